// An ordinary document is read.
import java.io.StringReader;
import org.jdom2.input.SAXBuilder;

public class Control {
    public static void main(String[] none) throws Exception {
        SAXBuilder builder = new SAXBuilder();
        builder.setFeature("http://xml.org/sax/features/external-general-entities", false);
        if (!builder.build(new StringReader("<a>text</a>")).getRootElement().getText().equals("text")) {
            System.exit(3);
        }
    }
}
