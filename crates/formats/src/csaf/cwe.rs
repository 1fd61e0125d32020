//! The names of the weaknesses our oracles see, to the letter as MITRE has them (CWE 4.12): mandatory test 6.1.11 compares.

/// Id and name.
pub const CWES: [(&str, &str); 16] = [
    ("CWE-20", "Improper Input Validation"),
    ("CWE-22", "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')"),
    ("CWE-73", "External Control of File Name or Path"),
    ("CWE-74", "Improper Neutralization of Special Elements in Output Used by a Downstream Component ('Injection')"),
    ("CWE-77", "Improper Neutralization of Special Elements used in a Command ('Command Injection')"),
    ("CWE-78", "Improper Neutralization of Special Elements used in an OS Command ('OS Command Injection')"),
    ("CWE-79", "Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')"),
    ("CWE-94", "Improper Control of Generation of Code ('Code Injection')"),
    ("CWE-95", "Improper Neutralization of Directives in Dynamically Evaluated Code ('Eval Injection')"),
    ("CWE-200", "Exposure of Sensitive Information to an Unauthorized Actor"),
    ("CWE-400", "Uncontrolled Resource Consumption"),
    ("CWE-407", "Inefficient Algorithmic Complexity"),
    ("CWE-502", "Deserialization of Untrusted Data"),
    ("CWE-770", "Allocation of Resources Without Limits or Throttling"),
    ("CWE-1321", "Improperly Controlled Modification of Object Prototype Attributes ('Prototype Pollution')"),
    ("CWE-1333", "Inefficient Regular Expression Complexity"),
];

/// The name of a weakness, if it is one of [`CWES`].
#[must_use]
pub fn cwe_name(id: &str) -> Option<&'static str> {
    CWES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}
