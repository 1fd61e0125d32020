import java.util.List;

/** Java programs that throw: `Broken KIND`. */
public class Broken {
    static class Chunk {
        private final int[] cells = new int[4];
        int cell(int at) { return cells[at]; }
    }
    static int read(int at) { return new Chunk().cell(at); }
    static int deep(int n) { return deep(n + 1) + 1; }
    static void load(int at) {
        try {
            read(at);
        } catch (ArrayIndexOutOfBoundsException e) {
            throw new IllegalStateException("chunk " + at + " cannot be read", e);
        }
    }
    public static void main(String[] args) {
        switch (args[0]) {
            case "index" -> read(args.length + 8);
            case "caused" -> load(args.length + 8);
            case "lambda" -> List.of(9).forEach(at -> read(at));
            case "stack" -> deep(1);
            case "memory" -> { var all = new long[Integer.MAX_VALUE - 2]; System.out.println(all.length); }
            case "null" -> { String text = args.length > 5 ? "x" : null; System.out.println(text.length()); }
            default -> {}
        }
    }
}
