//! One PostgreSQL server for each test process, gone when the process is gone.
//!
//! Where it comes from: `PROOFHOUSE_TEST_POSTGRES_URL` (a running server on which databases may be
//! made), else `target/tools/postgres` as `cargo xtask tools` puts it, else a PostgreSQL of this
//! machine. It refuses to run as root, so root runs it as `nobody`. Must not reuse data: every test
//! gets a new database.

use std::fs;
use std::io::PipeWriter;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest start of the server, in seconds.
const START_S_MAX: u64 = 60;
/// Whom the server runs as when the tests run as root.
const NOBODY_UID: u32 = 65_534;
/// What a test says when there is no PostgreSQL.
const MISSING: &str = "no PostgreSQL for the tests: run `cargo xtask tools` once (or set PROOFHOUSE_TEST_POSTGRES_URL)";

/// The server and its folder end when this pipe closes, however the test process ends.
const KEEPER: &str = r#"
bin=$1; dir=$2; shift 2
"$bin/postgres" -D "$dir/data" -k "$dir" "$@" >"$dir/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$dir"
"#;

/// A PostgreSQL server on which tests make their databases.
pub struct Server {
    admin_url: String,
    /// Everything of `admin_url` but the database.
    base_url: String,
    /// Ours to throw away as a whole, with every database on it.
    own: bool,
    _alive: Option<PipeWriter>,
}

/// The server of this process; started at the first call.
///
/// # Panics
/// When there is none and none can be started.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    match SERVER.get_or_init(find) {
        Ok(server) => server,
        Err(line) => panic!("{line}"),
    }
}

fn find() -> Result<Server, String> {
    if let Ok(url) = std::env::var("PROOFHOUSE_TEST_POSTGRES_URL") {
        let (base, _) = url.rsplit_once('/').ok_or("PROOFHOUSE_TEST_POSTGRES_URL is not postgres://host/database")?;
        return Ok(Server { base_url: base.to_owned(), admin_url: url.clone(), own: false, _alive: None });
    }
    start(&binaries().ok_or(MISSING)?, &[])
}

/// The folder of `postgres` and `initdb`.
fn binaries() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let targets = [std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from), Some(workspace.join("target"))];
    let mut places: Vec<PathBuf> = targets.into_iter().flatten().map(|t| t.join("tools/postgres/bin")).collect();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    places.extend(debian);
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let bin = places.into_iter().find(|p| p.join("postgres").is_file() && p.join("initdb").is_file())?;
    // `initdb` looks for its parts beside the real file.
    fs::canonicalize(bin.join("postgres")).ok()?.parent().map(Path::to_path_buf)
}

fn said(doing: &str, reason: impl std::fmt::Display) -> String {
    format!("{doing} for the tests: {reason}")
}

/// A command that runs as the server's user, in its folder, with nothing inherited.
fn command(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").process_group(0);
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY_UID).gid(NOBODY_UID);
    }
    command
}

/// Whether the server's user can run this; root's home folder is closed to others.
fn runs(bin: &Path, dir: &Path) -> bool {
    let mut version = command(&bin.join("postgres"), dir);
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|s| s.success())
}

/// Gives a file or folder to the server's user, who must be able to remove it again.
fn give_away(path: &Path) -> std::io::Result<()> {
    if nix::unistd::geteuid().is_root() { chown(path, Some(NOBODY_UID), Some(NOBODY_UID)) } else { Ok(()) }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    give_away(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), &copy)?;
            give_away(&copy)?;
        }
    }
    Ok(())
}

/// Starts a server of our own, with further settings such as `fsync=on`.
///
/// # Errors
/// One line that says what failed.
pub fn start(bin: &Path, settings: &[&str]) -> Result<Server, String> {
    // Short, because a socket's path has 107 bytes at most.
    let dir = tempfile::Builder::new().prefix("ph-pg-").tempdir_in("/tmp").map_err(|e| said("make a folder", e))?;
    let server = start_in(dir.path(), bin, settings)?;
    // From here on the keeper removes the folder.
    drop(dir.keep());
    Ok(server)
}

fn start_in(dir: &Path, bin: &Path, settings: &[&str]) -> Result<Server, String> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|e| said("close the folder", e))?;
    give_away(dir).map_err(|e| said("give the folder away", e))?;
    let mut bin = bin.to_path_buf();
    if !runs(&bin, dir)
        && let (Some(tree), Some(name)) = (bin.parent(), bin.file_name())
    {
        copy_tree(tree, &dir.join("postgres")).map_err(|e| said("copy PostgreSQL", e))?;
        bin = dir.join("postgres").join(name);
    }
    let mut initdb = command(&bin.join("initdb"), dir);
    initdb.args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    let made = initdb.output().map_err(|e| said("run initdb", e))?;
    if !made.status.success() {
        return Err(said("run initdb", String::from_utf8_lossy(&made.stderr)));
    }
    let (reader, alive) = std::io::pipe().map_err(|e| said("make a pipe", e))?;
    let mut keeper = command(Path::new("/bin/sh"), dir);
    keeper.args(["-c", KEEPER, "keeper"]).arg(&bin).arg(dir).stdin(reader).stdout(Stdio::null()).stderr(Stdio::null());
    let defaults = [
        "listen_addresses=",
        "max_connections=300",
        "shared_buffers=64MB",
        "dynamic_shared_memory_type=mmap",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
    ];
    for setting in defaults.iter().chain(settings) {
        keeper.args(["-c", setting]);
    }
    keeper.spawn().map_err(|e| said("start PostgreSQL", e))?;
    await_start(&dir.join("log"))?;
    let base_url = format!("postgres://postgres@{}", dir.display().to_string().replace('/', "%2F"));
    Ok(Server { admin_url: format!("{base_url}/postgres"), base_url, own: true, _alive: Some(alive) })
}

/// A server of this process's own that keeps its commits as a real one does: for figures.
///
/// # Errors
/// One line that says what failed.
pub fn start_durable() -> Result<Server, String> {
    let settings = ["fsync=on", "full_page_writes=on", "synchronous_commit=on"];
    start(&binaries().ok_or(MISSING)?, &settings)
}

fn await_start(log: &Path) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        if text.contains("ready to accept connections") {
            return Ok(());
        }
        if text.contains("FATAL") || begun.elapsed() > Duration::from_secs(START_S_MAX) {
            return Err(said("start PostgreSQL", text));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Server {
    /// Makes an empty database; gives its URL.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn database(&self) -> String {
        let mut random = [0; 8];
        if let Err(e) = getrandom::fill(&mut random) {
            panic!("get random bytes for the tests: {e}");
        }
        let name = format!("t_{}", hex::encode(random));
        self.administer(&format!("create database {name}")).await;
        format!("{}/{name}", self.base_url)
    }

    /// Removes a database again, where the server lives longer than the tests.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn forget(&self, url: &str) {
        if let (false, Some((_, name))) = (self.own, url.rsplit_once('/')) {
            self.administer(&format!("drop database if exists {name} with (force)")).await;
        }
    }

    async fn administer(&self, sql: &str) {
        let done = async {
            let (client, connection) = tokio_postgres::connect(&self.admin_url, tokio_postgres::NoTls).await?;
            let connection = tokio::spawn(connection);
            client.batch_execute(sql).await?;
            drop(client);
            // The connection has nothing more to say than that it ended.
            drop(connection.await);
            Ok::<(), tokio_postgres::Error>(())
        };
        if let Err(e) = done.await {
            let reason = e.as_db_error().map_or_else(|| e.to_string(), |db| db.message().to_owned());
            panic!("{sql}: {reason}");
        }
    }
}
