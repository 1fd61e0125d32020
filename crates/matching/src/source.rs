//! Who said it: the database that a record's id comes from. A table of prefixes; an unknown one is told as it is.

/// The home database of a record.
#[must_use]
pub fn source_of(id: &str) -> &str {
    let prefix = id.split_once('-').map_or(id, |(prefix, _)| prefix);
    match prefix {
        "CVE" => "CVE Program",
        "GHSA" => "GitHub Advisory Database",
        "GO" => "Go Vulnerability Database",
        "RUSTSEC" => "RustSec",
        "PYSEC" => "PyPA Advisory Database",
        "MAL" => "OpenSSF Malicious Packages",
        "OSV" => "OSV",
        "DSA" | "DLA" | "DTSA" | "DEBIAN" => "Debian",
        "USN" | "LSN" | "UBUNTU" => "Ubuntu",
        "ALPINE" => "Alpine",
        "RHSA" | "RHBA" | "RHEA" => "Red Hat",
        "ALSA" | "ALBA" | "ALEA" => "AlmaLinux",
        "RLSA" | "RXSA" => "Rocky Linux",
        "SUSE" | "openSUSE" => "SUSE",
        "OESA" => "openEuler",
        "AZL" => "Azure Linux",
        "MGASA" => "Mageia",
        "CGA" => "Chainguard",
        "BIT" => "Bitnami",
        "RSEC" => "R Consortium",
        "HSEC" => "Haskell",
        "PSF" => "Python Software Foundation",
        "EEF" => "Erlang Ecosystem Foundation",
        "DRUPAL" => "Drupal",
        "JLSEC" => "Julia",
        "ASB" | "PUB" => "Android",
        _ => prefix,
    }
}
