//! Programs that reach for the host: its files, its network, its kernel, the box's own init.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use proof::sandbox::{BoxSpec, CopyOut, Mount, PROGRAM_ID, PlacedFile};

use super::{each, marker, perl, run, shell};

#[test]
fn the_hosts_network_is_not_there() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = marker("abstract");
    let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    let (tcp_port, udp_port) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    let script = format!(
        "use Socket; sub try_it {{ my ($family, $kind, $address) = @_;
           socket(my $s, $family, $kind, 0) or return print \"no socket\\n\";
           print connect($s, $address) ? \"connected\\n\" : \"refused\\n\"; send($s, 'x', 0) }}
         $SIG{{PIPE}} = 'IGNORE';
         try_it(PF_INET, SOCK_STREAM, pack_sockaddr_in({tcp_port}, INADDR_LOOPBACK));
         try_it(PF_INET, SOCK_STREAM, pack_sockaddr_in(53, pack('C4', 192, 0, 2, 1)));
         try_it(PF_UNIX, SOCK_STREAM, pack('S a*', PF_UNIX, \"\\0{name}\"));
         try_it(PF_INET, SOCK_DGRAM, pack_sockaddr_in({udp_port}, INADDR_LOOPBACK));"
    );
    for loopback in [false, true] {
        each(|sandbox| {
            let outcome = run(sandbox, &BoxSpec { loopback, ..perl(&script) });
            let text = outcome.stdout.text();
            assert!(text.starts_with("refused\nrefused\nrefused\n"), "{text}");
            assert!(tcp.accept().is_err() && unix.accept().is_err() && udp.recv(&mut [0; 8]).is_err());
        });
    }
}

#[test]
fn a_loopback_of_its_own_works_where_asked() {
    let script = "use Socket; socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die 'bind';
        listen($l, 1) or die 'listen'; my $a = getsockname $l;
        if (!fork) { socket(my $s, PF_INET, SOCK_STREAM, 0); connect($s, $a) or die 'connect'; syswrite $s, 'hello'; exit }
        accept(my $c, $l) or die 'accept'; sysread $c, my $x, 9; print $x";
    each(|sandbox| {
        let outcome = run(sandbox, &BoxSpec { loopback: true, ..perl(script) });
        assert_eq!(outcome.stdout.text(), "hello");
        let outcome = run(sandbox, &BoxSpec { loopback: false, ..perl(script) });
        assert_eq!(outcome.stdout.text(), "");
    });
}

#[test]
fn only_plain_sockets_can_be_made() {
    // Family, type, protocol: netlink, packet, raw, SCTP, vsock, the kernel's crypto, an unknown one.
    let script = "for ([16,3,0], [17,3,0], [2,3,1], [2,1,132], [2,5,132], [40,1,0], [38,5,0], [10,3,58], [99,1,0]) {
        print socket(my $s, $$_[0], $$_[1], $$_[2]) ? \"made @$_\\n\" : '' }
        for ([2,1,0], [2,2,17], [10,1,6], [1,1,0], [1,5,0]) { print socket(my $s, $$_[0], $$_[1], $$_[2]) ? '' : \"not made @$_ $!\\n\" }";
    each(|sandbox| assert_eq!(run(sandbox, &perl(script)).stdout.text(), ""));
}

#[test]
fn the_hosts_files_are_not_there() {
    let secret = marker("secret");
    let in_tmp = tempfile::tempdir().unwrap();
    std::fs::write(in_tmp.path().join("secret"), &secret).unwrap();
    let home = std::env::var("HOME").ok().and_then(|home| tempfile::tempdir_in(home).ok());
    let mut paths = vec![in_tmp.path().join("secret")];
    if let Some(home) = &home {
        std::fs::write(home.path().join("secret"), &secret).unwrap();
        paths.push(home.path().join("secret"));
    }
    each(|sandbox| {
        for path in &paths {
            let path = path.display();
            let outcome = run(sandbox, &shell(&format!("cat {path} /proc/self/root{path} /proc/self/cwd/../..{path}")));
            assert!(!outcome.ok() && !outcome.stdout.text().contains(&secret));
        }
        let outcome = run(
            sandbox,
            &shell("cat /etc/shadow /root/.bashrc /home/*/* /var/log/* /run/* /sys/* /proc/kcore /proc/1/environ"),
        );
        assert_eq!(outcome.stdout.text(), "");
        let outcome = run(sandbox, &shell("ls -A /"));
        let known =
            ["bin", "box", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr", "var"];
        for name in outcome.stdout.text().lines() {
            assert!(known.contains(&name), "{name}");
        }
    });
}

#[test]
fn nothing_is_inherited() {
    each(|sandbox| {
        let outcome = run(sandbox, &BoxSpec { env: vec![("A".into(), "b".into())], ..BoxSpec::new(["/usr/bin/env"]) });
        assert_eq!(outcome.stdout.text(), "A=b\n");
        let outcome = run(
            sandbox,
            &BoxSpec {
                channel_in: b"given".to_vec(),
                ..perl("opendir D, '/proc/self/fd'; print join ' ', sort grep /\\d/, readdir D")
            },
        );
        // 5 is the folder being read.
        assert_eq!(outcome.stdout.text(), "0 1 2 3 4 5");
        let outcome =
            run(sandbox, &shell("echo out > /dev/stdout; echo err > /dev/stderr; echo report > /proc/self/fd/4"));
        assert_eq!((outcome.stdout.text(), outcome.stderr.text()), ("out\n".into(), "err\n".into()));
        assert_eq!(outcome.channel_out, b"report\n");
        let outcome = run(sandbox, &shell("cat; echo $?; umask; pwd; hostname; ulimit -c"));
        assert_eq!(outcome.stdout.text(), "0\n0022\n/box\nbox\n0\n");
    });
}

#[test]
fn no_right_is_left() {
    each(|sandbox| {
        let text = run(sandbox, &shell("grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' /proc/self/status")).stdout.text();
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(text.contains(&format!("{name}:\t0000000000000000\n")), "{text}");
        }
        assert!(text.contains("NoNewPrivs:\t1\n") && text.contains("Seccomp:\t2\n"), "{text}");
        assert!(text.contains(&format!("Uid:{}\n", format!("\t{PROGRAM_ID}").repeat(4))), "{text}");
    });
}

#[test]
fn system_calls_that_reach_the_kernels_depths_are_refused() {
    let refused = [
        ("mount", libc::SYS_mount),
        ("umount2", libc::SYS_umount2),
        ("pivot_root", libc::SYS_pivot_root),
        ("chroot", libc::SYS_chroot),
        ("unshare", libc::SYS_unshare),
        ("setns", libc::SYS_setns),
        ("fsopen", libc::SYS_fsopen),
        ("open_tree", libc::SYS_open_tree),
        ("ptrace", libc::SYS_ptrace),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("bpf", libc::SYS_bpf),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("keyctl", libc::SYS_keyctl),
        ("add_key", libc::SYS_add_key),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("quotactl", libc::SYS_quotactl),
        ("acct", libc::SYS_acct),
        ("kexec_load", libc::SYS_kexec_load),
        ("init_module", libc::SYS_init_module),
        ("reboot", libc::SYS_reboot),
        ("swapon", libc::SYS_swapon),
        ("shmget", libc::SYS_shmget),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ];
    let calls: String = refused.map(|(name, number)| format!("[{number},'{name}',0],")).concat();
    let new_user = libc::CLONE_NEWUSER | libc::SIGCHLD;
    let script = format!(
        "$! = 0; for ({calls} [{clone},'clone',{new_user}]) {{
           my $r = syscall($$_[0], $$_[2], 0, 0, 0, 0); exit if $r == 0 && $$_[1] eq 'clone';
           print \"$$_[1] gave $r, $!\\n\" unless $r == -1 && $!{{EPERM}} }}
         print \"clone3 $!\\n\" unless syscall({clone3}, 0, 0) == -1 && $!{{ENOSYS}};
         print \"limit of pid 1 $!\\n\" unless syscall({prlimit}, 1, 7, 0, 0) == -1 && $!{{EPERM}};
         print \"clock of pid 1 $!\\n\" unless syscall({setscheduler}, 1, 5, my $idle = pack('I', 0)) == -1 && $!{{EPERM}};
         print \"cores $!\\n\" unless syscall({prlimit}, 0, 4, my $none = pack('Q2', 0, 0), my $old = $none) == -1 && $!{{EPERM}};
         print \"cores are not forbidden $!\\n\" unless syscall({prlimit}, 0, 4, $none, 0) == 0;
         syscall({prlimit}, 0, 4, 0, my $now = $none . ''); print \"the limit on cores moved\\n\" unless $now eq pack('Q2', 1, 1);
         print \"input of a terminal $!\\n\" unless syscall({ioctl}, 0, 0x5412, 0) == -1 && $!{{EPERM}};
         print 'end'",
        clone = libc::SYS_clone,
        clone3 = libc::SYS_clone3,
        prlimit = libc::SYS_prlimit64,
        setscheduler = libc::SYS_sched_setscheduler,
        ioctl = libc::SYS_ioctl,
    );
    each(|sandbox| assert_eq!(run(sandbox, &perl(&script)).stdout.text(), "end"));
}

#[test]
fn a_system_call_on_no_list_does_not_exist() {
    let absent = [
        ("sync", libc::SYS_sync),
        ("syncfs", libc::SYS_syncfs),
        ("io_setup", libc::SYS_io_setup),
        ("io_submit", libc::SYS_io_submit),
        ("vmsplice", libc::SYS_vmsplice),
        ("tee", libc::SYS_tee),
        ("pkey_alloc", libc::SYS_pkey_alloc),
        ("remap_file_pages", libc::SYS_remap_file_pages),
        ("semop", libc::SYS_semop),
        ("shmat", libc::SYS_shmat),
        ("mq_unlink", libc::SYS_mq_unlink),
        ("setxattr", libc::SYS_setxattr),
        ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
        ("process_mrelease", libc::SYS_process_mrelease),
        ("futex_waitv", libc::SYS_futex_waitv),
        ("of a kernel to come", 600),
        ("of no kernel", 5_000),
    ];
    let calls: String = absent.map(|(name, number)| format!("[{number},'{name}'],")).concat();
    let script = format!(
        "for ({calls}) {{ my $r = syscall($$_[0], -1, 0, 0, 0, 0); print \"$$_[1] gave $r, $!\\n\" unless $r == -1 && $!{{ENOSYS}} }}
         print 'end'"
    );
    each(|sandbox| assert_eq!(run(sandbox, &perl(&script)).stdout.text(), "end"));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_other_numbering_of_system_calls_does_not_exist() {
    let script = "print syscall(0x40000000 + 39) == -1 && $!{ENOSYS} ? 'absent' : 'there'";
    each(|sandbox| assert_eq!(run(sandbox, &perl(script)).stdout.text(), "absent"));
}

#[test]
fn the_init_cannot_be_seen_or_touched() {
    each(|sandbox| {
        let script = "ls -d /proc/1; cat /proc/1/status /proc/1/maps /proc/1/mem; ls -l /proc/1/root /proc/1/fd /proc/1/cwd; \
                      readlink /proc/1/exe; echo end";
        assert_eq!(run(sandbox, &shell(script)).stdout.text(), "end\n");
        let outcome =
            run(sandbox, &shell("ls /proc | grep -c '^[0-9]*$'; cat /proc/self/cgroup /proc/sys/kernel/hostname"));
        assert!(outcome.stdout.text().ends_with("box\n"));
    });
}

#[test]
fn read_only_is_read_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("given"), "given").unwrap();
    let script = "for f in /x /usr/x /etc/x /dev/x /proc/x /given/x /given/given /etc/passwd /canary /dev/shm/../x; do
          (echo bad > $f) 2>/dev/null && echo wrote $f; chmod 777 $f 2>/dev/null && echo changed $f; done
        rm -rf /given/given /canary /etc/passwd /usr/bin/env 2>/dev/null; mv /canary /box/ 2>/dev/null && echo moved
        mkdir /new 2>/dev/null && echo made
        (echo 1 > /proc/sys/vm/drop_caches) 2>/dev/null && echo host
        (echo c > /proc/sysrq-trigger) 2>/dev/null
        cat /given/given /canary";
    each(|sandbox| {
        let spec = BoxSpec {
            mounts: vec![Mount { host: folder.path().to_owned(), at: "/given".into() }],
            files: vec![PlacedFile { at: "/canary".into(), bytes: b"canary".to_vec(), mode: 0o777 }],
            ..shell(script)
        };
        assert_eq!(run(sandbox, &spec).stdout.text(), "givencanary");
        assert_eq!(std::fs::read(folder.path().join("given")).unwrap(), b"given");
    });
}

#[test]
fn a_program_that_may_be_run_only_cannot_be_read() {
    let bytes = std::fs::read("/bin/cat").unwrap();
    let place = |at: &str, mode| PlacedFile { at: at.into(), bytes: bytes.clone(), mode };
    let spec = BoxSpec {
        files: vec![place("/canary/cat", 0o111)],
        ..shell(
            "/canary/cat /etc/hostname; cat /canary/cat | wc -c; chmod 755 /canary/cat; cp /canary/cat /box/; \
             /canary/cat /proc/self/exe | wc -c; mv /canary/cat /box/; ls -l /canary/cat | cut -c1-10",
        )
    };
    each(|sandbox| assert_eq!(run(sandbox, &spec).stdout.text(), "box\n0\n0\n---x--x--x\n"));
}

#[test]
fn only_regular_files_come_out_and_no_link_is_followed() {
    let script = "cd /box; echo plain > plain; mkdir -p a/b; echo deep > a/b/deep; chmod 0 a/b/deep; chmod 700 a; \
        ln -s /etc/passwd link; ln -s / root; ln -s a folder; mkfifo fifo; ln plain hard; ln -s /proc/self/environ env; \
        perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack(q(S a*), PF_UNIX, q(socket)))'; \
        printf x > \"$(printf 'bad\\377name')\"";
    let asked = [
        "plain",
        "link",
        "root/etc/passwd",
        "folder/b/deep",
        "../etc/passwd",
        "/etc/passwd",
        "fifo",
        "missing",
        "socket",
    ];
    each(|sandbox| {
        let outcome = run(sandbox, &BoxSpec { copy_out: CopyOut::Tree, ..shell(script) });
        let mut names: Vec<&str> = outcome.files.iter().map(|file| file.path.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a/b/deep", "hard", "plain"]);
        assert_eq!(outcome.file("a/b/deep").unwrap().bytes, b"deep\n");
        assert!(outcome.files_left_out >= 6, "{}", outcome.files_left_out);
        let files = CopyOut::Files(asked.map(str::to_owned).to_vec());
        let outcome = run(sandbox, &BoxSpec { copy_out: files, ..shell(script) });
        let names: Vec<&str> = outcome.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!((names, outcome.files_left_out), (vec!["plain"], 8));
    });
}

#[test]
fn a_box_of_many_files_or_great_depth_comes_out_within_bounds() {
    let script = "my $d = '/box'; for (1..200) { $d .= '/' . ('d' x 100); mkdir $d or last } \
        for (1..500) { open my $f, '>', \"/box/f$_\"; print $f 'x' x 1000 } symlink '/box', '/box/loop'";
    each(|sandbox| {
        let outcome = run(sandbox, &BoxSpec { copy_out: CopyOut::Tree, ..perl(script) });
        assert_eq!(outcome.files.len(), 500);
    });
}

#[test]
fn sources_that_other_users_cannot_reach_are_reached() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let mut file = std::fs::File::create(inner.join("file")).unwrap();
    file.write_all(b"reached").unwrap();
    std::os::unix::fs::symlink(&inner, folder.path().join("link")).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mount = |host: &str, at: &str| Mount { host: folder.path().join(host), at: at.into() };
    let spec = BoxSpec {
        mounts: vec![
            mount("inner", "/deep/er/folder"),
            mount("inner/file", "/box/own/file"),
            mount("link/file", "/linked"),
        ],
        ..shell(
            "cat /deep/er/folder/file /box/own/file /linked; ls /deep/er; echo x > /box/own/new && cat /box/own/new",
        )
    };
    each(|sandbox| assert_eq!(run(sandbox, &spec).stdout.text(), "reachedreachedreachedfolder\nx\n"));
}
