// An ordinary archive is unpacked where it should be.
import java.io.*;
import java.util.zip.*;
import org.zeroturnaround.zip.ZipUtil;

public class Control {
    public static void main(String[] none) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream archive = new ZipOutputStream(bytes)) {
            archive.putNextEntry(new ZipEntry("folder/file"));
            archive.write('x');
        }
        ZipUtil.unpack(new ByteArrayInputStream(bytes.toByteArray()), new File("out"));
        if (new File("out/folder/file").length() != 1) {
            System.exit(3);
        }
    }
}
