// Ordinary paths are normalised, and one that leads out is refused.
import org.apache.commons.io.FilenameUtils;

public class Control {
    public static void main(String[] none) {
        if (!"/b".equals(FilenameUtils.normalize("/a/../b")) || FilenameUtils.normalize("/../b") != null) {
            System.exit(3);
        }
    }
}
