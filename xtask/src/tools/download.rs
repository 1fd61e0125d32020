//! One HTTPS download into memory, bounded, tried again on passing faults. Verifies certificates by the machine's own trust
//! store and knows nothing of what it downloads: whoever calls checks the digest.

use anyhow::{Context as _, Result, bail};
use std::io::Read as _;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// Tries of one download, the first included.
const TRIES_COUNT_MAX: u32 = 4;
const WAIT_BEFORE_SECOND_TRY_MS: u64 = 500;
/// Wait for a connection, in seconds.
const CONNECT_S_MAX: u64 = 20;
/// One try, from the connection to the last byte, in seconds.
const WHOLE_DOWNLOAD_S_MAX: u64 = 300;
/// JSON of PyPI's simple index, where the index offers it; its HTML otherwise.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1";

/// Fetches `url`, refusing bodies beyond `bytes_max`. A refusal by the registry (4xx) is final, other failures are tried again.
pub fn fetch(url: &str, bytes_max: usize) -> Result<Vec<u8>> {
    let agent = agent();
    let mut tried: u32 = 0;
    loop {
        tried += 1;
        match fetch_once(&agent, url, bytes_max) {
            Ok(body) => return Ok(body),
            Err(Fault::Final(error)) => return Err(error.context(format!("fetch {url}"))),
            Err(Fault::Passing(error)) if tried == TRIES_COUNT_MAX => {
                return Err(error.context(format!("fetch {url}, tried {tried} times")));
            }
            Err(Fault::Passing(error)) => {
                eprintln!("tools: {error:#}; trying again");
                std::thread::sleep(Duration::from_millis(WAIT_BEFORE_SECOND_TRY_MS << tried));
            }
        }
    }
}

enum Fault {
    Final(anyhow::Error),
    Passing(anyhow::Error),
}

fn agent() -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(Duration::from_secs(CONNECT_S_MAX)))
        .timeout_global(Some(Duration::from_secs(WHOLE_DOWNLOAD_S_MAX)))
        .build()
        .into()
}

fn fetch_once(agent: &Agent, url: &str, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let response = match agent.get(url).header("accept", ACCEPT).call() {
        Ok(response) => response,
        Err(ureq::Error::StatusCode(status)) if (400..500).contains(&status) && status != 408 && status != 429 => {
            return Err(Fault::Final(anyhow::anyhow!("the registry answered {status}")));
        }
        Err(error) => return Err(Fault::Passing(error.into())),
    };
    let mut body = Vec::new();
    let mut bounded = response.into_body().into_reader().take(bytes_max as u64 + 1);
    bounded.read_to_end(&mut body).context("read the body").map_err(Fault::Passing)?;
    if body.len() > bytes_max {
        return Err(Fault::Final(anyhow::anyhow!("more than the {bytes_max} bytes expected at most")));
    }
    Ok(body)
}

/// The absolute form of `link`, found in the document at `base`.
pub fn absolute(base: &str, link: &str) -> Result<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return Ok(link.to_owned());
    }
    let Some((scheme, rest)) = base.split_once("://") else { bail!("{base:?} is no URL") };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(from_root) = link.strip_prefix('/') {
        return Ok(format!("{scheme}://{host}/{from_root}"));
    }
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                folders.pop();
            }
            _ => folders.push(part),
        }
    }
    Ok(format!("{scheme}://{host}/{}", folders.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_as_a_browser_would() {
        let base = "https://index.test/root/simple/osv/";
        let check = |link: &str, expected: &str| assert_eq!(absolute(base, link).unwrap(), expected);
        check("https://files.test/a.whl", "https://files.test/a.whl");
        check("/packages/a.whl", "https://index.test/packages/a.whl");
        check("../../packages/a.whl", "https://index.test/root/packages/a.whl");
        check("a.whl", "https://index.test/root/simple/osv/a.whl");
    }
}
