// Maven's own order: ComparableVersion. Reads lines of two versions with a tab between them, writes <, = or >.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import org.apache.maven.artifact.versioning.ComparableVersion;

public class Maven {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder answers = new StringBuilder();
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] pair = line.split("\t", -1);
            int order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            answers.append(order < 0 ? '<' : order > 0 ? '>' : '=').append('\n');
            if (answers.length() > 65536) {
                out.print(answers);
                answers.setLength(0);
            }
        }
        out.print(answers);
        out.flush();
    }
}
