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
