//! Renders `docs/clients.md` from what was seen.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cells::{AUTHORITIES, Column, FORCE_SSL, HOSTS, MAJORS, ROOTS, Row, STRIPPED};
use super::record::{Answer, ClientRecord, Record};
use super::snippets::Snippet;

/// The whole page.
pub(crate) fn render(seen: &Record, snippets: &[Snippet]) -> String {
    let mut page = introduction(seen);
    for Snippet { client, language, text } in snippets {
        let _ = write!(page, "### {client}\n\n```{language}\n{text}```\n\n");
    }
    page += MODES;
    for client in &seen.clients {
        page += &section(client);
    }
    page.trim_end().to_owned() + "\n"
}

fn introduction(seen: &Record) -> String {
    let (clients, cells, columns) = (seen.clients.len(), seen.len(), Column::all().len());
    let [oldest, middle, newest] = MAJORS;
    let authorities = AUTHORITIES.map(|(name, _)| name).join(", ");
    format!(
        "\
# Clients: what to write for verify-full

Copy the one for your driver; `pgkeep snippets ID --driver D` prints it for an instance of yours.
The test that writes this page ran each of them as it stands here: with the right root and name it
gets its session, with a wrong root or a wrong name it does not.

[Further down](#what-each-word-does) is what {clients} clients make of each word of `sslmode`:
**{cells} cells**, each a session that the real client tried, none left out. A cell is a word × a
root (right, wrong, the intermediate alone, none) × the right name and a wrong one, and the right
root with somebody on the way who strips TLS, at one of {columns} servers: PostgreSQL {oldest},
{middle} and {newest} × the authorities {authorities} × `rds.force_ssl` off and on.
Every answer is in [cells.tsv](clients/cells.tsv), and every refusal, in the client's own words, in
[words.tsv](clients/words.tsv). To write all of it anew:

```sh
PGKEEP_UPDATE=1 cargo xtask test --test e2e_clients
```

## Snippets

"
    )
}

const MODES: &str = "\
## What each word does

What becomes of a session: *TLS*, *plaintext* or *refused*; `a / b` is a while `rds.force_ssl` is
off and b while it is on. The wrong root has the right one's name and another key. *TLS stripped* is
somebody on the way who says that the server has no TLS. The verdict is drawn from the outcomes
alone: a chain is verified if the right root connects and the wrong one does not, a name if the
right one connects and the wrong one does not, and a session is encrypted if none was ever
plaintext. Clients for which the intermediate alone is root enough trust any certificate in the
file.

";

const HEAD: &str = "\
| `sslmode` | right root | wrong root | intermediate only | no root | wrong name | TLS stripped | \
verdict |
|---|---|---|---|---|---|---|---|
";

fn section(client: &ClientRecord) -> String {
    let on = if client.ground.is_empty() { String::new() } else { format!(", {}", client.ground) };
    let mut text = format!("### {}{on}\n\n{HEAD}", client.client);
    let mut words: Vec<_> = client.rows.iter().map(|(row, _)| &row.sslmode).collect();
    words.dedup();
    for word in words {
        let of = |root: &str, host: &str| outcomes(client, word, root, host);
        let cells = ROOTS.map(|root| of(root, "right")).into_iter();
        let cells = cells.chain([of("right", "wrong"), of("right", STRIPPED)]);
        let cells: Vec<_> = cells.map(|outcomes| outcomes.render()).collect();
        let verdict = verdict(|root, host| of(root, host).set());
        let _ = writeln!(text, "| `{word}` | {} | {verdict} |", cells.join(" | "));
    }
    text += "\nIn its own words:\n\n";
    for words in client.words() {
        let words = words.replace('`', "'");
        let _ = writeln!(text, "- `{words}`");
    }
    text + "\n"
}

/// What became of the sessions of a row, by [`FORCE_SSL`]: the outcome, and the servers with it.
struct Outcomes([Vec<(&'static str, Vec<Column>)>; 2]);

fn outcomes(client: &ClientRecord, word: &str, root: &str, host: &str) -> Outcomes {
    let is_it = |row: &Row| (&*row.sslmode, &*row.root, &*row.host) == (word, root, host);
    let (_, answers) = client.rows.iter().find(|(row, _)| is_it(row)).expect("a row");
    Outcomes(FORCE_SSL.map(|force_ssl| {
        let mut found: Vec<(&'static str, Vec<Column>)> = Vec::new();
        for (column, answer) in Column::all().into_iter().zip(answers) {
            if column.force_ssl != force_ssl {
                continue;
            }
            let outcome = match answer {
                Answer::Plain => "plaintext",
                Answer::Tls => "TLS",
                Answer::No(_) => "refused",
            };
            match found.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, columns)) => columns.push(column),
                None => found.push((outcome, vec![column])),
            }
        }
        found
    }))
}

impl Outcomes {
    /// All that happened.
    fn set(&self) -> BTreeSet<&'static str> {
        self.0.iter().flatten().map(|(outcome, _)| *outcome).collect()
    }

    fn render(&self) -> String {
        let [off, on] = self.0.each_ref().map(|found| match &found[..] {
            [(outcome, _)] => (*outcome).to_owned(),
            // Not the same on all servers: which ones.
            several => {
                let one = |(outcome, columns): &(&str, Vec<Column>)| {
                    let names: BTreeSet<_> = columns
                        .iter()
                        .map(|it| format!("{} {}", it.major, AUTHORITIES[it.authority].0))
                        .collect();
                    format!("{outcome} ({})", names.into_iter().collect::<Vec<_>>().join(", "))
                };
                several.iter().map(one).collect::<Vec<_>>().join(" or ")
            }
        });
        if off == on { off } else { format!("{off} / {on}") }
    }
}

/// From all that happened, by root and host.
fn verdict(of: impl Fn(&str, &str) -> BTreeSet<&'static str>) -> String {
    let right = of("right", "right");
    if !right.contains("TLS") {
        let verdict = if right.contains("plaintext") { "never encrypts" } else { "never connects" };
        return verdict.to_owned();
    }
    let hosts = |root| HOSTS.into_iter().chain([STRIPPED]).map(move |host| (root, host));
    let names = ROOTS.into_iter().flat_map(hosts).filter(|it| it.1 != STRIPPED || it.0 == "right");
    let is_open = names.into_iter().any(|(root, host)| of(root, host).contains("plaintext"));
    let plaintext = if is_open { "plaintext possible" } else { "encrypted" };
    let refused = BTreeSet::from(["refused"]);
    let verifies_chain = of("wrong", "right") == refused;
    let verified = match (verifies_chain, of("right", "wrong") == refused) {
        (true, true) => "chain and name verified",
        (true, false) => "chain verified, name not",
        (false, true) => "name verified, chain not",
        (false, false) => "nobody verified",
    };
    let without = if verifies_chain && of("none", "right") != refused {
        "; without a root nobody verified"
    } else {
        ""
    };
    match (plaintext, verified) {
        ("encrypted", "chain and name verified") => format!("**encrypted, {verified}**{without}"),
        _ => format!("{plaintext}, {verified}{without}"),
    }
}
