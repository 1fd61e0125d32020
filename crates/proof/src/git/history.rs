//! A first-parent history as versions that a range search can order. Texts only: must not ask a repository.
//!
//! The commits that a bundle declares cut the history into stretches. Within one, the verdict is expected to change once,
//! as within a release line.

use crate::runtime::PublishedVersion;

/// Hexadecimal digits of a commit's full name: SHA-1 or SHA-256.
const NAME_LENGTHS: [usize; 2] = [40, 64];

/// Whether this is a commit's full name.
#[must_use]
pub fn is_commit(text: &str) -> bool {
    NAME_LENGTHS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Reads what `git` lists, newest first, into versions, oldest first. A stretch ends with each declared commit.
///
/// # Errors
/// Names the declared commit that is not in the history.
pub fn versions(listing: &str, declared: &[&str]) -> Result<Vec<PublishedVersion>, String> {
    let mut commits: Vec<(&str, &str)> = listing.lines().filter_map(|line| line.split_once(' ')).collect();
    commits.retain(|(commit, _)| is_commit(commit));
    commits.reverse();
    if let Some(missing) = declared.iter().find(|wanted| !commits.iter().any(|(commit, _)| commit == *wanted)) {
        return Err((*missing).to_owned());
    }
    let mut stretch = 1;
    let listed = commits.into_iter().map(|(commit, date)| {
        let line = format!("stretch {stretch}");
        if declared.contains(&commit) {
            stretch += 1;
        }
        let published = Some(date.to_owned());
        PublishedVersion { text: commit.to_owned(), line, prerelease: false, published, yanked: false }
    });
    Ok(listed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    #[test]
    fn declared_commits_cut_the_history() {
        let listing: String = "edcba".chars().map(|c| format!("{} 2020-01-01T00:00:00Z\n", commit(c))).collect();
        let told = |declared: &[&str]| {
            let found = versions(&listing, declared)?;
            Ok(found.iter().map(|v| format!("{}{}", &v.text[..1], &v.line[8..])).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(told(&[&commit('b'), &commit('d')]), Ok("a1 b1 c2 d2 e3".to_owned()));
        assert_eq!(told(&[&commit('e')]), Ok("a1 b1 c1 d1 e1".to_owned()));
        assert_eq!(told(&[&commit('f')]), Err(commit('f')));
    }

    #[test]
    fn a_commit_is_named_in_full() {
        assert!(is_commit(&commit('0')) && is_commit(&"a".repeat(64)));
        for wrong in ["", "abcdef0", "HEAD", &commit('g'), &commit('A'), &"a".repeat(41)] {
            assert!(!is_commit(wrong), "{wrong}");
        }
    }
}
