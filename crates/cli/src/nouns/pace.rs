//! `proofhouse pace`: at what pace a maintainer takes cases, and what waits for whom.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::answer::{case_lines, fields, page, show};
use crate::api::{Api, Server, items, text};
use crate::nouns::report::{paged, plain};
use crate::output::EXIT_INPUT;

/// Shows and sets at what pace a maintainer takes cases. Who sets nothing has no limit.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse pace show party_…\n  proofhouse pace set party_… --rate 2 --closed 2026-12-20..2027-01-03\n  proofhouse pace set party_… --rate 5 --told email --told-to security@example.org\n  proofhouse pace set party_… --refuse\n  proofhouse pace queue\n  proofhouse pace except case_… --reason 'seen in attacks on hospitals, CERT bulletin 12'"
)]
pub struct Pace {
    #[command(flatten)]
    server: Server,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What a maintainer set, and when the next case may come
    Show {
        /// The maintainer's party: your own, or any for coordinators
        party: String,
    },
    /// Set the pace of your own party; what is left out is as if it had never been set
    Set(Set),
    /// What waits for its maintainers, why, and when it may be handed over; for coordinators
    Queue {
        /// Of this maintainer alone
        #[arg(long)]
        party: Option<String>,
    },
    /// What went out by e-mail, what waits and what could not be delivered; for coordinators
    Letters {
        /// Those of which this became: waiting, sent, dropped or undelivered
        #[arg(long)]
        state: Option<String>,
        /// Where to go on
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Ask that a case exploited in the wild be handed over outside the pace; for coordinators
    Except {
        /// The case
        case: String,
        /// Where it is exploited, and how that is known: the maintainer reads it
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args)]
struct Set {
    /// Your party
    party: String,
    /// Cases in any seven days, at most; without it there is no limit
    #[arg(long, value_name = "COUNT")]
    rate: Option<i64>,
    /// Days on which nothing comes, both included, such as 2026-12-20..2027-01-03; may be given several times
    #[arg(long = "closed", value_name = "FROM..TO")]
    closed: Vec<String>,
    /// Take no cases at all
    #[arg(long)]
    refuse: bool,
    /// Let not even an exploited case come outside rate and seasons
    #[arg(long)]
    no_exceptions: bool,
    /// How to be told: api, email or advisory-channel
    #[arg(long, default_value = "api", value_name = "HOW")]
    told: String,
    /// Where: an e-mail address, or the URL of an advisory channel
    #[arg(long, value_name = "WHERE")]
    told_to: Option<String>,
    /// Where your embargo policy can be read
    #[arg(long, value_name = "URL")]
    embargo_url: Option<String>,
    /// How long that policy keeps a case closed, in days from validation
    #[arg(long, value_name = "DAYS")]
    embargo_days: Option<i64>,
    /// Somebody to be read in with each case, and at which tier, such as member_…=1; may be given several times
    #[arg(long = "read-in", value_name = "MEMBER=TIER")]
    guests: Vec<String>,
}

impl Set {
    fn body(&self) -> Result<Value, String> {
        let season = |text: &String| match text.split_once("..") {
            Some((from, to)) => Ok(json!({"from": from, "to": to})),
            None => {
                Err(format!("--closed {text}: two days with two dots between them, such as 2026-12-20..2027-01-03"))
            }
        };
        let guest = |text: &String| match text.split_once('=') {
            Some((member, tier)) => Ok(json!({"member": member, "tier": tier})),
            None => Err(format!("--read-in {text}: a member and a tier, such as member_…=1")),
        };
        Ok(json!({
            "rate_per_week": self.rate,
            "seasons": self.closed.iter().map(season).collect::<Result<Vec<_>, _>>()?,
            "refuse": self.refuse,
            "exceptions": !self.no_exceptions,
            "told": self.told,
            "told_to": self.told_to,
            "embargo_url": self.embargo_url,
            "embargo_days": self.embargo_days,
            "guests": self.guests.iter().map(guest).collect::<Result<Vec<_>, _>>()?,
        }))
    }
}

impl Pace {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let api = Api::new(&self.server);
        match self.what {
            What::Show { party } => show(api.get(&format!("/v1/parties/{}/pace", plain(&party))), self.json, lines),
            What::Set(set) => {
                let body = match set.body() {
                    Ok(body) => body.to_string(),
                    Err(wrong) => {
                        eprintln!("error [input]: {wrong}");
                        return ExitCode::from(EXIT_INPUT);
                    }
                };
                let path = format!("/v1/parties/{}/pace", plain(&set.party));
                show(api.put(&path, "application/json", body.as_bytes()), self.json, lines)
            }
            What::Queue { party } => {
                let path = match party {
                    Some(party) => format!("/v1/pace/queue?party={}", plain(&party)),
                    None => "/v1/pace/queue".to_owned(),
                };
                show(api.get(&path), self.json, queue_lines)
            }
            What::Letters { state, cursor } => {
                let path = state
                    .map_or_else(|| "/v1/letters".to_owned(), |state| format!("/v1/letters?state={}", plain(&state)));
                show(api.get(&paged(&path, cursor.as_deref())), self.json, |v| page(v, letter_line))
            }
            What::Except { case, reason } => {
                let path = format!("/v1/cases/{}/exception", plain(&case));
                show(api.post(&path, &json!({"reason": reason})), self.json, case_lines)
            }
        }
    }
}

fn lines(pace: &Value) -> Vec<String> {
    let mut lines = fields(pace, &["party"]);
    let rate = pace.get("rate_per_week").and_then(Value::as_i64);
    let rate = rate.map_or_else(|| "no limit".to_owned(), |rate| format!("{rate} in any seven days"));
    let is = |field: &str| pace.get(field) == Some(&Value::Bool(true));
    lines.push(format!("{:<12} {}", "rate", if is("refuse") { "takes no cases".to_owned() } else { rate }));
    for season in items(pace, "seasons") {
        lines.push(format!("{:<12} {} to {}", "closed", text(season, "from"), text(season, "to")));
    }
    let exceptions = if is("exceptions") { "taken for what is exploited in the wild" } else { "not taken" };
    lines.push(format!("{:<12} {exceptions}", "exceptions"));
    lines.extend(fields(pace, &["told", "told_to", "embargo_url", "embargo_days"]));
    for guest in items(pace, "guests") {
        lines.push(format!("{:<12} {} at tier {}", "read in", text(guest, "member"), text(guest, "tier")));
    }
    for handed in items(pace, "released") {
        lines.push(format!("{:<12} {} {}", "handed over", text(handed, "at"), text(handed, "case")));
    }
    lines.push(format!("{:<12} {}", "next", next(pace)));
    if !text(pace, "not_told").is_empty() {
        lines.push(format!("{:<12} {}", "warning", text(pace, "not_told")));
    }
    lines
}

/// When the next one may come, in words.
fn next(value: &Value) -> String {
    match (text(value, "hold"), text(value, "not_before")) {
        ("", "") => "may come now".to_owned(),
        ("", at) | ("season", at) => format!("not before {at}: closed season"),
        ("rate", at) => format!("not before {at}: the rate is used up"),
        (_, _) => "none is taken".to_owned(),
    }
}

fn letter_line(letter: &Value) -> String {
    let (since, reason) = (text(letter, "created_at"), text(letter, "reason"));
    format!(
        "{}  {}  {} {}  since {}  to {}  {}",
        text(letter, "id"),
        text(letter, "state"),
        text(letter, "kind"),
        text(letter, "about"),
        since.get(..10).unwrap_or(since),
        if text(letter, "sent_to").is_empty() { "nobody yet" } else { text(letter, "sent_to") },
        reason
    )
    .trim_end()
    .to_owned()
}

fn queue_lines(queue: &Value) -> Vec<String> {
    let line = |c: &Value| {
        let exploited = if c.get("exploited") == Some(&Value::Bool(true)) { "exploited " } else { "" };
        let since = text(c, "since");
        format!(
            "{}  {exploited}{}  {}  for {} since {}  {}{}",
            text(c, "case"),
            text(c, "outcome"),
            text(c, "purl"),
            text(c, "party_name"),
            since.get(..10).unwrap_or(since),
            next(c),
            if text(c, "not_told").is_empty() { String::new() } else { format!("; {}", text(c, "not_told")) }
        )
    };
    let mut lines: Vec<String> = items(queue, "items").iter().map(line).collect();
    if lines.is_empty() {
        lines.push("nothing waits".to_owned());
    }
    if queue.get("more") == Some(&Value::Bool(true)) {
        lines.push("more wait: ask for one maintainer with --party".to_owned());
    }
    lines
}
