//! Which frames are the program's own, and which belong to the tool, the allocator, the C library, the runtime or the fuzzer.
//! Goes by names and paths alone.

use super::Frame;
use super::name::file_name;

/// Whole names.
const NAMES: [&str; 61] = [
    "_Exit",
    "_exit",
    "_start",
    "abort",
    "bcmp",
    "bcopy",
    "bzero",
    "calloc",
    "cfree",
    "check_memory_region",
    "clone",
    "clone3",
    "do_syscall_64",
    "dump_backtrace",
    "exc_page_fault",
    "exit",
    "free",
    "gsignal",
    "index",
    "kasan_check_range",
    "kasan_report",
    "kill",
    "malloc",
    "malloc_printerr",
    "memalign",
    "memchr",
    "memcmp",
    "memcpy",
    "memmem",
    "memmove",
    "memset",
    "panic",
    "posix_memalign",
    "print_report",
    "printf",
    "pthread_create",
    "pthread_kill",
    "raise",
    "realloc",
    "report_bug",
    "ret_from_fork",
    "rindex",
    "show_stack",
    "snprintf",
    "sprintf",
    "start_thread",
    "std",
    "strcat",
    "strchr",
    "strcmp",
    "strcpy",
    "strdup",
    "strlen",
    "strncat",
    "strncmp",
    "strncpy",
    "strnlen",
    "strrchr",
    "strstr",
    "tgkill",
    "wcslen",
];
/// How names begin.
const BEGINNINGS: [&str; 76] = [
    "FuzzerTestOneInput",
    "Rtl",
    "V8_Fatal",
    "_GLOBAL__sub_I_",
    "_IO_",
    "_Unwind_",
    "__GI_",
    "__asan",
    "__assert",
    "__chk_fail",
    "__cxa_",
    "__cxxabiv1::",
    "__dump_stack",
    "__fortify_fail",
    "__gnu_cxx::",
    "__hwasan",
    "__interceptor_",
    "__kasan",
    "__kmsan",
    "__libc_",
    "__lsan",
    "__mem",
    "__msan",
    "__pthread_",
    "__restore_rt",
    "__run_exit_handlers",
    "__rust",
    "__sanitizer",
    "__scrt_",
    "__stack_chk_fail",
    "__str",
    "__tsan",
    "__ubsan",
    "__wcs",
    "_asan",
    "_dl_",
    "_int_",
    "alloc::",
    "asm_exc_",
    "atheris",
    "backtrace_rs::",
    "com.code_intelligence.",
    "core::",
    "dump_stack",
    "entry_SYSCALL",
    "fuzzer::",
    "honggfuzz",
    "instrument_atomic",
    "interceptor_",
    "java.",
    "javax.",
    "jdk.",
    "kasan_",
    "kmsan_",
    "libfuzzer_sys::",
    "logging::",
    "moz_abort",
    "mozalloc_",
    "operator delete",
    "operator new",
    "panic_abort::",
    "print_address_",
    "rust_begin_",
    "rust_fuzzer_",
    "rust_oom",
    "rust_panic",
    "runtime.",
    "std::",
    "sun.",
    "sysmalloc",
    "test::",
    "testing.",
    "unlink_chunk",
    "v8::base::",
    "<T as ",
    "<usize as ",
];
/// How the type begins for which an implementation is: `<alloc::vec::Vec as …>`.
const IMPLEMENTED: [&str; 5] = ["<alloc::", "<core::", "<std::", "<&", "<["];
/// Parts of source paths.
const PATHS: [&str; 24] = [
    "/rustc/",
    "/rustlib/src/",
    "sanitizer_common/",
    "/libsanitizer/",
    "/compiler-rt/",
    "/libFuzzer/",
    "/libfuzzer/",
    "../sysdeps/",
    "/sysdeps/",
    "/glibc",
    "./nptl/",
    "nptl/./",
    "csu/",
    "./csu/",
    "./malloc/",
    "malloc/./",
    "./stdlib/",
    "stdlib/./",
    "./debug/",
    "/include/c++/",
    "/jemalloc/",
    "/tcmalloc/",
    "/mimalloc/",
    "/libc++/",
];
/// How modules' file names begin.
const MODULES: [&str; 14] = [
    "libc.so",
    "libc-",
    "libc.musl",
    "ld-",
    "libpthread",
    "libstdc++",
    "libc++",
    "libgcc_s",
    "libasan",
    "libubsan",
    "libtsan",
    "liblsan",
    "libclang_rt",
    "[vdso]",
];
/// Where a program begins: of use only where nothing is nearer.
const ENTRIES: [&str; 14] = [
    "main",
    "_main",
    "WinMain",
    "wmain",
    "LLVMFuzzerTestOneInput",
    "rust_fuzzer_test_input",
    "TestOneProtoInput",
    "fuzzerTestOneInput",
    "TestOneInput",
    "<module>",
    "Object.<anonymous>",
    "<anonymous>",
    "__libfuzzer_sys_run",
    "kthread",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Own,
    Entry,
    Noise,
}

/// The program's own frames, innermost first; where there are none, the innermost entry into it.
pub fn own(frames: &[Frame]) -> Vec<&Frame> {
    let found: Vec<&Frame> = frames.iter().filter(|frame| kind(frame) == Kind::Own).collect();
    if !found.is_empty() {
        return found;
    }
    frames.iter().find(|frame| kind(frame) == Kind::Entry).into_iter().collect()
}

fn kind(frame: &Frame) -> Kind {
    if frame.function.is_empty() {
        return match (&frame.module, &frame.file) {
            (Some(module), _) if is_library(module) => Kind::Noise,
            (None, None) => Kind::Noise,
            _ => Kind::Own,
        };
    }
    let function = frame.function.as_str();
    if is_noise_name(function) || frame.file.as_deref().is_some_and(|file| is_noise_file(file, function)) {
        return Kind::Noise;
    }
    let last = function.rsplit(['.', ':']).next().unwrap_or(function);
    if ENTRIES.contains(&function) || ENTRIES.contains(&last) {
        return Kind::Entry;
    }
    Kind::Own
}

fn is_noise_name(function: &str) -> bool {
    NAMES.contains(&function)
        || BEGINNINGS.iter().chain(&IMPLEMENTED).any(|beginning| function.starts_with(beginning))
        || function.contains("_sanitizer_")
        || function.starts_with("__")
            && (function.ends_with("_chk") || function.contains("_avx") || function.contains("_sse"))
}

fn is_noise_file(file: &str, function: &str) -> bool {
    if PATHS.iter().any(|part| file.contains(part) || part.strip_prefix('/').is_some_and(|p| file.starts_with(p))) {
        return true;
    }
    if file.starts_with("node:") || file.starts_with("internal/") || file.starts_with("<frozen ") {
        return true;
    }
    if file.contains("/lib/python") && !file.contains("-packages/") {
        return true;
    }
    // Go's own packages have no dot in the first part of their path.
    let package = function.split('/').next().unwrap_or_default();
    let is_module = function.contains('/') && package.contains('.');
    file.contains("/go/src/") && !is_module && !function.starts_with("main.")
}

fn is_library(module: &str) -> bool {
    let file = file_name(module);
    MODULES.iter().any(|beginning| file.starts_with(beginning)) || module == "node"
}
