// A map of the package that fills itself with a constant comes back as it was.
import java.io.*;
import java.util.*;
import org.apache.commons.collections.functors.ConstantTransformer;
import org.apache.commons.collections.map.LazyMap;

public class Control {
    public static void main(String[] none) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(LazyMap.decorate(new HashMap<>(), new ConstantTransformer("value")));
        Map<?, ?> map = (Map<?, ?>) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
        if (!"value".equals(map.get("key"))) {
            System.exit(3);
        }
    }
}
