//! What hostile programs may not do, and what honest ones can.

use proof::sandbox::{BoxSpec, Exit, Sandbox, SandboxConfig};

fn sandbox() -> Sandbox {
    Sandbox::new(SandboxConfig { init_exe: Some(env!("CARGO_BIN_EXE_proofhouse-box").into()), ..Default::default() }).unwrap()
}

#[test]
fn a_program_runs() {
    let outcome = sandbox().run(&BoxSpec::new(["/bin/sh", "-c", "id -u; echo x >&4"])).unwrap();
    assert_eq!((outcome.exit, outcome.stdout.text().as_str()), (Exit::Code(0), "61999\n"));
    assert_eq!(outcome.channel_out, b"x\n");
}

#[test]
fn an_archive_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("package/lib")).unwrap();
    std::fs::write(folder.path().join("package/lib/a.js"), "a").unwrap();
    let status = std::process::Command::new("tar").arg("czf").arg(folder.path().join("a.tgz")).arg("-C").arg(folder.path()).arg("package").status().unwrap();
    assert!(status.success());
    let spec = proof::sandbox::UnpackSpec {
        archive: proof::sandbox::Archive::File(&folder.path().join("a.tgz")),
        format: proof::sandbox::Format::TarGz, strip: true, duplicates: Default::default(), refuse_specials: false, limits: Default::default() };
    let report = sandbox().unpack(&spec, &folder.path().join("out")).unwrap();
    assert_eq!((report.files, report.folders), (1, 1));
    assert_eq!(std::fs::read(folder.path().join("out/lib/a.js")).unwrap(), b"a");
}
