// A document that names an entity at an address, read by a builder for which external ones were switched off.
import java.io.StringReader;
import org.jdom2.input.SAXBuilder;

public class Poc {
    public static void main(String[] none) throws Exception {
        String address = System.getenv("PROOF_CANARY_URL");
        SAXBuilder builder = new SAXBuilder();
        builder.setFeature("http://xml.org/sax/features/external-general-entities", false);
        try {
            builder.build(new StringReader("<!DOCTYPE a [<!ENTITY x SYSTEM '" + address + "'>]><a>&x;</a>"));
        } catch (org.jdom2.JDOMException refused) {
            System.out.println("refused");
        }
    }
}
