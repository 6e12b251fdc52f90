//! What was seen, and how it lies in the documentation's folder: `cells.tsv` has a line for each
//! row of the table and a column for each server; `words.tsv` has what clients said.

use std::fmt::Write as _;

use super::cells::{Column, Row};

/// What a client made of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Connected without TLS.
    Plain,
    /// Connected with TLS.
    Tls,
    /// Did not connect; in the client's own words.
    No(String),
}

/// All clients, in the order of the table.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) clients: Vec<ClientRecord>,
}

/// What one client did.
#[derive(Debug)]
pub(crate) struct ClientRecord {
    /// The client and its version.
    pub(crate) client: String,
    /// What of the machine stands below it, which has its part in the words; may be empty.
    pub(crate) ground: String,
    /// The answers are in the order of the columns.
    pub(crate) rows: Vec<(Row, Vec<Answer>)>,
}

impl ClientRecord {
    pub(crate) fn name(&self) -> &str {
        &self.rows[0].0.client
    }

    /// What it said, in order of appearance.
    pub(crate) fn words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        for answer in self.rows.iter().flat_map(|(_, answers)| answers) {
            match answer {
                Answer::No(text) if !words.contains(&text.as_str()) => words.push(text),
                _ => {}
            }
        }
        words
    }
}

impl Record {
    /// How many cells have an answer.
    pub(crate) fn len(&self) -> usize {
        let rows = self.clients.iter().flat_map(|client| &client.rows);
        rows.map(|(_, answers)| answers.len()).sum()
    }

    /// On another machine the libraries below a client may word their refusals otherwise. Where
    /// such ground is not that of `checked_in`, only what happened is to be compared: the words
    /// and the name of the ground stay.
    pub(crate) fn keep_words_of_other_ground(&mut self, checked_in: &Self) {
        for client in &mut self.clients {
            let name = client.name().to_owned();
            let old = checked_in.clients.iter().find(|old| old.name() == name);
            let Some(old) = old.filter(|old| old.ground != client.ground) else { continue };
            client.ground.clone_from(&old.ground);
            for (row, answers) in &mut client.rows {
                let Some((_, old)) = old.rows.iter().find(|(old, _)| old == row) else { continue };
                for (answer, old) in answers.iter_mut().zip(old) {
                    if matches!((&*answer, old), (Answer::No(_), Answer::No(_))) {
                        answer.clone_from(old);
                    }
                }
            }
        }
    }

    pub(crate) fn render_cells(&self) -> String {
        let columns: Vec<_> = Column::all().into_iter().map(Column::name).collect();
        let mut text = format!("client\tsslmode\troot\thost\t{}\n", columns.join("\t"));
        for client in &self.clients {
            let words = client.words();
            for (row, answers) in &client.rows {
                let Row { client, sslmode, root, host } = row;
                let answers = answers.iter().map(|answer| match answer {
                    Answer::Plain => "plain".to_owned(),
                    Answer::Tls => "tls".to_owned(),
                    Answer::No(text) => {
                        let place = words.iter().position(|known| known == text);
                        format!("no{}", place.unwrap_or_default() + 1)
                    }
                });
                let answers = answers.collect::<Vec<_>>().join("\t");
                let _ = writeln!(text, "{client}\t{sslmode}\t{root}\t{host}\t{answers}");
            }
        }
        text
    }

    pub(crate) fn render_words(&self) -> String {
        let mut text = "client\twhat\twords\n".to_owned();
        for client in &self.clients {
            let name = client.name();
            let _ = writeln!(text, "{name}\tclient\t{}", client.client);
            let _ = writeln!(text, "{name}\tground\t{}", client.ground);
            for (place, words) in client.words().iter().enumerate() {
                let _ = writeln!(text, "{name}\tno{}\t{words}", place + 1);
            }
        }
        text
    }

    /// Reads both files, as they were rendered.
    pub(crate) fn parse(cells: &str, words: &str) -> Self {
        let words: Vec<Vec<_>> = words.lines().map(|line| line.splitn(3, '\t').collect()).collect();
        let said = |client: &str, what: &str| {
            let line = words.iter().find(|line| line[..2] == [client, what]);
            line.map(|line| line[2].to_owned()).unwrap_or_default()
        };
        let mut clients: Vec<ClientRecord> = Vec::new();
        for line in cells.lines().skip(1) {
            let fields: Vec<_> = line.split('\t').collect();
            let [client, sslmode, root, host] = [0, 1, 2, 3].map(|place| fields[place].to_owned());
            let answers = fields[4..].iter().map(|answer| match *answer {
                "plain" => Answer::Plain,
                "tls" => Answer::Tls,
                no => Answer::No(said(&client, no)),
            });
            let answers = answers.collect();
            if clients.last().is_none_or(|last| last.name() != client) {
                let (name, ground) = (said(&client, "client"), said(&client, "ground"));
                clients.push(ClientRecord { client: name, ground, rows: Vec::new() });
            }
            let row = Row { client, sslmode, root, host };
            clients.last_mut().unwrap().rows.push((row, answers));
        }
        Self { clients }
    }
}
