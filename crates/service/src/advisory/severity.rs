//! CVSS vectors, as far as an advisory needs them: is this one that other people's readers accept? Must
//! not compute scores.
//!
//! Source: FIRST, CVSS 3.1 and 4.0 specifications, tables of metrics.

/// Base metrics of version 3, each needed once, in any order.
const V3_BASE: [(&str, &str); 8] =
    [("AV", "NALP"), ("AC", "LH"), ("PR", "NLH"), ("UI", "NR"), ("S", "UC"), ("C", "NLH"), ("I", "NLH"), ("A", "NLH")];
/// Temporal and environmental metrics of version 3.
const V3_MORE: [(&str, &str); 14] = [
    ("E", "XUPFH"),
    ("RL", "XOTWU"),
    ("RC", "XURC"),
    ("CR", "XLMH"),
    ("IR", "XLMH"),
    ("AR", "XLMH"),
    ("MAV", "XNALP"),
    ("MAC", "XLH"),
    ("MPR", "XNLH"),
    ("MUI", "XNR"),
    ("MS", "XUC"),
    ("MC", "XNLH"),
    ("MI", "XNLH"),
    ("MA", "XNLH"),
];
/// Base metrics of version 4, each needed once, in this order.
const V4_BASE: [(&str, &str); 11] = [
    ("AV", "NALP"),
    ("AC", "LH"),
    ("AT", "NP"),
    ("PR", "NLH"),
    ("UI", "NPA"),
    ("VC", "HLN"),
    ("VI", "HLN"),
    ("VA", "HLN"),
    ("SC", "HLN"),
    ("SI", "HLN"),
    ("SA", "HLN"),
];
/// The other metrics of version 4, in this order; `U` has words and stands last.
const V4_MORE: [(&str, &str); 20] = [
    ("E", "XAPU"),
    ("CR", "XHML"),
    ("IR", "XHML"),
    ("AR", "XHML"),
    ("MAV", "XNALP"),
    ("MAC", "XLH"),
    ("MAT", "XNP"),
    ("MPR", "XNLH"),
    ("MUI", "XNPA"),
    ("MVC", "XNLH"),
    ("MVI", "XNLH"),
    ("MVA", "XNLH"),
    ("MSC", "XNLH"),
    ("MSI", "XNLHS"),
    ("MSA", "XNLHS"),
    ("S", "XNP"),
    ("AU", "XNY"),
    ("R", "XAUI"),
    ("V", "XDC"),
    ("RE", "XLMH"),
];
const V4_URGENCY: [&str; 5] = ["X", "Clear", "Green", "Amber", "Red"];

/// Whether a text is a whole vector of version 3.0, 3.1 or 4.0.
pub(super) fn is_vector(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("CVSS:3.0/").or_else(|| text.strip_prefix("CVSS:3.1/")) {
        return is_v3(rest);
    }
    text.strip_prefix("CVSS:4.0/").is_some_and(is_v4)
}

fn has(table: &[(&str, &str)], metric: &str, value: &str) -> bool {
    value.len() == 1 && table.iter().any(|(name, values)| *name == metric && values.contains(value))
}

fn is_v3(rest: &str) -> bool {
    let mut seen = Vec::new();
    for part in rest.split('/') {
        let Some((metric, value)) = part.split_once(':') else { return false };
        if seen.contains(&metric) || !(has(&V3_BASE, metric, value) || has(&V3_MORE, metric, value)) {
            return false;
        }
        seen.push(metric);
    }
    V3_BASE.iter().all(|(name, _)| seen.contains(name))
}

fn is_v4(rest: &str) -> bool {
    let mut order = V4_BASE.iter().chain(&V4_MORE).map(|(name, _)| *name).chain(["U"]);
    let mut found = 0;
    for part in rest.split('/') {
        let Some((metric, value)) = part.split_once(':') else { return false };
        let known = match metric {
            "U" => V4_URGENCY.contains(&value),
            _ => has(&V4_BASE, metric, value) || has(&V4_MORE, metric, value),
        };
        if !known || !order.any(|name| name == metric) {
            return false;
        }
        found += usize::from(V4_BASE.iter().any(|(name, _)| *name == metric));
    }
    found == V4_BASE.len()
}

#[cfg(test)]
mod tests {
    use super::is_vector;

    #[test]
    fn whole_vectors_and_nothing_else() {
        let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        let good = [
            "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H".to_owned(),
            "CVSS:3.0/S:U/AV:N/AC:H/PR:N/UI:N/C:N/I:H/A:H/E:P/RL:O".to_owned(),
            v4.to_owned(),
            format!("{v4}/E:A/MSI:S/S:P/U:Amber"),
        ];
        for vector in good {
            assert!(is_vector(&vector), "{vector}");
        }
        let bad = [
            "CVSS:3.1/AV:N".to_owned(),
            "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:Z".to_owned(),
            "CVSS:3.1/AV:N/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H".to_owned(),
            "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H/".to_owned(),
            "CVSS:2.0/AV:N".to_owned(),
            format!("{v4}/U:Purple"),
            format!("{v4}/U:Red/E:A"),
            v4.replace("/AT:N", ""),
            "AV:N/AC:L/Au:N/C:N/I:N/A:C".to_owned(),
        ];
        for vector in bad {
            assert!(!is_vector(&vector), "{vector}");
        }
    }
}
