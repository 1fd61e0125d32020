// An ordinary value is looked up.
import org.apache.commons.text.StringSubstitutor;

public class Control {
    public static void main(String[] none) {
        String found = StringSubstitutor.createInterpolator().replace("${base64Decoder:eA==} ${sys:no.such:-y}");
        if (!found.equals("x y")) {
            System.exit(3);
        }
    }
}
