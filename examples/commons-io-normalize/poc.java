// A path that is said to be normal, and still leads up.
import org.apache.commons.io.FilenameUtils;

public class Poc {
    public static void main(String[] none) {
        String path = FilenameUtils.normalize("//../secret");
        if (path != null && path.contains("..")) {
            System.exit(10);
        }
    }
}
