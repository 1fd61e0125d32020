//! A fuzz target as OSS-Fuzz keeps it: its `build.sh` in the environment that it expects, with a main function that gives one
//! file to the target in place of a fuzzing engine. Must not read the recipe.

use std::collections::BTreeMap;

use super::{Import, ImportError, MANIFEST_NAME, made, text, unusable};

/// The recipe, given and made.
pub(super) const RECIPE: &str = "build.sh";
/// Ends a file in the recipe.
const END: &str = "PROOFHOUSE-END-OF-FILE";
/// Endings of files that a recipe may find beside itself in `$SRC`.
const SOURCES: [&str; 9] = [".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".dict", ".options", ".txt"];

/// Gives a file to the target once.
const ENGINE: &str = r#"#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *count, char ***words);
int main(int count, char **words) {
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&count, &words);
  FILE *in = count == 2 ? fopen(words[1], "rb") : 0;
  if (!in || fseek(in, 0, SEEK_END)) return 2;
  size_t size = (size_t)ftell(in);
  rewind(in);
  uint8_t *data = malloc(size ? size : 1);
  if (!data || fread(data, 1, size, in) != size) return 2;
  fclose(in);
  LLVMFuzzerTestOneInput(data, size);
  free(data);
  return 0;
}
"#;

pub(super) fn files(import: &Import) -> Result<BTreeMap<String, Vec<u8>>, ImportError> {
    let recipe = import.files.get(RECIPE).ok_or_else(|| unusable("the folder has no build.sh"))?;
    let recipe = text(recipe, RECIPE)?;
    if !import.files.contains_key(&import.control) {
        return Err(unusable(format!("there is no file {}", import.control)));
    }
    if import.test.is_empty() || !import.test.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err(unusable(format!(
            "{}: the name of the program that build.sh puts into $OUT is wanted",
            import.test
        )));
    }
    let command = format!("command = [\"{}\", \"{{input}}\"]\n", import.test);
    let build = format!("\n[build]\nscript = \"{RECIPE}\"\n");
    let manifest =
        import.manifest("native", &import.main, &import.control, "memory-error", &format!("{command}{build}"), &[]);
    Ok(made(vec![(MANIFEST_NAME, manifest), (RECIPE, recipe_around(&recipe, import)?)]))
}

/// The source tree is the working folder, and lies in `$SRC` under the project's name too; sources beside the recipe are in
/// `$SRC`, as OSS-Fuzz's Dockerfiles copy them.
fn recipe_around(recipe: &str, import: &Import) -> Result<String, ImportError> {
    let last = import.purl.rsplit('/').next().unwrap_or_default();
    let project: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    let mut out = format!(
        "# Imported: a main function in place of the fuzzing engine, then the project's own recipe.\n\
         export SRC=/box/src WORK=/box/work-oss-fuzz SANITIZER=address FUZZING_ENGINE=none ARCHITECTURE=x86_64\n\
         mkdir -p \"$SRC\" \"$WORK\" && ln -sfn \"$PWD\" \"$SRC/{project}\"\n"
    );
    let mut place = |name: &str, body: &str| {
        if body.contains(END) {
            return Err(unusable(format!("{name} has a line that only the import may write")));
        }
        let newline = if body.ends_with('\n') { "" } else { "\n" };
        out.push_str(&format!("cat > \"{name}\" <<'{END}'\n{body}{newline}{END}\n"));
        Ok(())
    };
    place("$WORK/engine.c", ENGINE)?;
    for (name, bytes) in import.files.iter().filter(|(name, _)| SOURCES.iter().any(|ending| name.ends_with(ending))) {
        if *name != import.main && *name != import.control && !name.contains('/') {
            place(&format!("$SRC/{name}"), &text(bytes, name)?)?;
        }
    }
    out.push_str(
        "$CC $CFLAGS -c \"$WORK/engine.c\" -o \"$WORK/engine.o\"\nexport LIB_FUZZING_ENGINE=\"$WORK/engine.o\"\n# The recipe:\n",
    );
    out.push_str(recipe);
    Ok(out)
}
