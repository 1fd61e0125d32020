//! The exec canary: a tiny static program, made for one run, that writes a secret when it is executed.
//!
//! It lies in the box as a file that can be run and not read (mode 0111, on a read-only file system), so the secret
//! can only come to light by running it. Assembled here byte by byte; no compiler or other program is needed.

/// Bytes of the secret that executing the canary brings to light.
pub const SECRET_BYTES: usize = 32;

/// Where the program is loaded. Nothing else is in its address space.
const BASE: u64 = 0x40_0000;
/// ELF header and one program header.
const HEADERS_BYTES: u64 = 64 + 56;
/// `O_WRONLY | O_CREAT | O_APPEND`, the same on both processors.
const OPEN_FLAGS: u32 = 0x441;
const OPEN_MODE: u32 = 0o644;

/// The canary for this machine's processor: writes `secret` to `path` (no NUL in it) and ends with 0. `None` where the
/// processor is neither x86-64 nor AArch64.
#[must_use]
pub fn program(path: &str, secret: &str) -> Option<Vec<u8>> {
    match std::env::consts::ARCH {
        "x86_64" => Some(elf(62, x86_64, path, secret)),
        "aarch64" => Some(elf(183, aarch64, path, secret)),
        _ => None,
    }
}

/// Code for one processor, given the addresses of its own start, the path and the secret, and the secret's length.
type Assemble = fn(start: u64, path: u64, secret: u64, length: u32) -> Vec<u8>;

fn elf(machine: u16, assemble: Assemble, path: &str, secret: &str) -> Vec<u8> {
    let start = BASE + HEADERS_BYTES;
    let length = u32::try_from(secret.len()).unwrap_or(0);
    // The code has the same length whatever the addresses are.
    let code_bytes = assemble(start, start, start, length).len() as u64;
    let path_at = start + code_bytes;
    let secret_at = path_at + path.len() as u64 + 1;
    let total = HEADERS_BYTES + code_bytes + path.len() as u64 + 1 + secret.len() as u64;

    let mut out = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    out.resize(16, 0);
    out.extend(2u16.to_le_bytes()); // executable
    out.extend(machine.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(start.to_le_bytes()); // entry
    out.extend(64u64.to_le_bytes()); // program headers
    out.extend(0u64.to_le_bytes()); // no sections
    out.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes()); // load
    out.extend(5u32.to_le_bytes()); // readable and executable
    for word in [0, BASE, BASE, total, total, 0x1000] {
        out.extend(word.to_le_bytes());
    }
    out.extend(assemble(start, path_at, secret_at, length));
    out.extend(path.as_bytes());
    out.push(0);
    out.extend(secret.as_bytes());
    out
}

fn x86_64(_start: u64, path: u64, secret: u64, length: u32) -> Vec<u8> {
    let mut code = Vec::new();
    let mut put = |bytes: &[u8]| code.extend_from_slice(bytes);
    put(&[0xb8, 2, 0, 0, 0]); // mov eax, open
    put(&[0x48, 0xbf]); // mov rdi, path
    put(&path.to_le_bytes());
    put(&[0xbe]); // mov esi, flags
    put(&OPEN_FLAGS.to_le_bytes());
    put(&[0xba]); // mov edx, mode
    put(&OPEN_MODE.to_le_bytes());
    put(&[0x0f, 0x05]); // syscall
    put(&[0x89, 0xc7]); // mov edi, eax
    put(&[0xb8, 1, 0, 0, 0]); // mov eax, write
    put(&[0x48, 0xbe]); // mov rsi, secret
    put(&secret.to_le_bytes());
    put(&[0xba]); // mov edx, length
    put(&length.to_le_bytes());
    put(&[0x0f, 0x05]);
    put(&[0xb8, 60, 0, 0, 0]); // mov eax, exit
    put(&[0x31, 0xff]); // xor edi, edi
    put(&[0x0f, 0x05]);
    code
}

fn aarch64(start: u64, path: u64, secret: u64, length: u32) -> Vec<u8> {
    let movz = |register: u32, value: u32| 0xd280_0000 | (value & 0xffff) << 5 | register;
    let adr = |register: u32, at: u64, to: u64| {
        let distance = u32::try_from(to.wrapping_sub(at) & 0x1f_ffff).unwrap_or(0);
        0x1000_0000 | (distance & 3) << 29 | (distance >> 2) << 5 | register
    };
    const SVC: u32 = 0xd400_0001;
    let words = [
        movz(8, 56),                // openat
        0x9280_0000 | 99 << 5,      // x0 = -100, the working folder
        adr(1, start + 8, path),    // x1 = path
        movz(2, OPEN_FLAGS),        // x2 = flags
        movz(3, OPEN_MODE),         // x3 = mode
        SVC,                        // x0 = descriptor
        movz(8, 64),                // write
        adr(1, start + 28, secret), // x1 = secret
        movz(2, length),            // x2 = length
        SVC,
        movz(8, 93), // exit
        movz(0, 0),
        SVC,
    ];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn executing_it_writes_the_secret() {
        let room = tempfile::tempdir().unwrap();
        let out = room.path().join("out");
        let exe = room.path().join("canary");
        std::fs::write(&exe, program(out.to_str().unwrap(), "0123456789abcdef").unwrap()).unwrap();
        std::fs::set_permissions(&exe, std::fs::Permissions::from_mode(0o111)).unwrap();
        assert!(std::process::Command::new(&exe).status().unwrap().success());
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "0123456789abcdef");
    }

    #[test]
    fn the_other_processors_code_has_the_instructions_it_should() {
        let code = aarch64(0x1000, 0x1034, 0x1100, 32);
        let words: Vec<u32> = code.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
        // As an assembler writes: movz x8,#56; movn x0,#99; adr x1,.+44; movz x2,#0x441; movz x3,#0x1a4; svc #0
        let wanted = [0xd280_0708, 0x9280_0c60, 0x1000_0161, 0xd280_8822, 0xd280_3483, 0xd400_0001];
        assert_eq!(&words[..6], &wanted);
    }
}
