// An ordinary value is looked up.
import org.apache.commons.text.StringSubstitutor;
import org.apache.commons.text.lookup.StringLookupFactory;

public class Control {
    public static void main(String[] none) {
        StringSubstitutor substitutor = new StringSubstitutor(StringLookupFactory.INSTANCE.interpolatorStringLookup());
        if (!substitutor.replace("${sys:no.such:-x} y").equals("x y")) {
            System.exit(3);
        }
    }
}
