// Lists within lists, as they occur.
import net.minidev.json.JSONValue;

public class Control {
    public static void main(String[] none) throws Exception {
        String text = "[".repeat(20) + "1" + "]".repeat(20);
        if (!JSONValue.parseWithException(text).toString().equals(text)) {
            System.exit(3);
        }
    }
}
