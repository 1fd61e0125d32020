// The document names a class of Java's own, whose making opens a file for writing.
import org.yaml.snakeyaml.Yaml;

public class Poc {
    public static void main(String[] none) {
        try {
            new Yaml().load("!!java.io.FileOutputStream [\"" + System.getenv("PROOF_CANARY_WRITE") + "\"]");
        } catch (RuntimeException refused) {
            System.out.println("refused");
        }
    }
}
