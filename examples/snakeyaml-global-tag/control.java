// An ordinary document is loaded.
import java.util.*;
import org.yaml.snakeyaml.Yaml;

public class Control {
    public static void main(String[] none) {
        Object loaded = new Yaml().load("name: [1, two]");
        if (!loaded.equals(Collections.singletonMap("name", Arrays.asList(1, "two")))) {
            System.exit(3);
        }
    }
}
