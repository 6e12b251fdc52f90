//! What is probed: `HOST[:PORT]`, a URL, or libpq's `keyword=value` string.
//!
//! A target may hold a password, so it is never shown as it was typed: errors name its keywords
//! alone, and [`Target`] has no `Debug`.

use std::env;

use percent_encoding::percent_decode_str;

use crate::failure::wrong_use;

const PORT: u16 = 5432;

/// Where to connect, and how.
#[derive(Default)]
pub(super) struct Target {
    pub(super) host: String,
    /// The address to use instead of looking the host up.
    pub(super) hostaddr: Option<String>,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) dbname: Option<String>,
    pub(super) password: Option<String>,
    pub(super) sslrootcert: Option<String>,
    pub(super) sslcert: Option<String>,
    pub(super) sslkey: Option<String>,
    pub(super) passfile: Option<String>,
}

impl Target {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let mut target = Self { port: PORT, ..Self::default() };
        let url = ["postgresql://", "postgres://"].iter().find_map(|it| text.strip_prefix(it));
        if let Some(rest) = url {
            target.read_url(rest)?;
        } else if text.contains('=') {
            target.read_keywords(text)?;
        } else {
            target.read_place(text)?;
        }
        if target.host.is_empty() {
            target.host = target.hostaddr.clone().unwrap_or_default();
        }
        if target.host.is_empty() || target.host.starts_with('/') {
            let hint = "TLS is for TCP: name a host, such as db.example.com:5432";
            return Err(wrong_use("the target has no host", hint));
        }
        Ok(target)
    }

    /// What tells it from others: host and port.
    pub(super) fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// `host`, `host:port`, `[v6]:port`, `v6`.
    fn read_place(&mut self, text: &str) -> anyhow::Result<()> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        host.clone_into(&mut self.host);
        if let Some(port) = port.filter(|port| !port.is_empty()) {
            self.port = parse_port(port)?;
        }
        Ok(())
    }

    /// What follows `postgresql://`: `[user[:password]@][host[:port]][/dbname][?keyword=value&…]`.
    fn read_url(&mut self, rest: &str) -> anyhow::Result<()> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, dbname) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        self.user = decode(user)?;
        self.password = decode(password)?;
        self.dbname = decode(dbname)?;
        self.read_place(&decode(place)?.unwrap_or_default())?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (keyword, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let Some(value) = decode(value)? {
                self.set(keyword, value)?;
            }
        }
        Ok(())
    }

    /// `keyword = value` with blanks between; quotes and backslashes as in libpq.
    fn read_keywords(&mut self, text: &str) -> anyhow::Result<()> {
        let mut rest = text.chars().peekable();
        loop {
            while rest.next_if(|next| next.is_whitespace()).is_some() {}
            let mut keyword = String::new();
            while let Some(next) = rest.next_if(|next| *next != '=') {
                keyword.push(next);
            }
            if keyword.is_empty() && rest.peek().is_none() {
                return Ok(());
            }
            if rest.next().is_none() {
                let hint = "write host=… port=… user=… dbname=…";
                return Err(wrong_use("a keyword of the target has no value", hint));
            }
            while rest.next_if(|next| next.is_whitespace()).is_some() {}
            let quoted = rest.next_if_eq(&'\'').is_some();
            let mut value = String::new();
            loop {
                match rest.next() {
                    Some('\\') => value.extend(rest.next()),
                    Some('\'') if quoted => break,
                    Some(next) if !quoted && next.is_whitespace() => break,
                    Some(next) => value.push(next),
                    None if quoted => {
                        let hint = "end the value with '";
                        return Err(wrong_use("a quoted value of the target has no end", hint));
                    }
                    None => break,
                }
            }
            self.set(keyword.trim(), value)?;
        }
    }

    fn set(&mut self, keyword: &str, value: String) -> anyhow::Result<()> {
        match keyword {
            "host" => self.host = value,
            "hostaddr" => self.hostaddr = Some(value),
            "port" => self.port = parse_port(&value)?,
            "user" => self.user = Some(value),
            "dbname" => self.dbname = Some(value),
            "password" => self.password = Some(value),
            "sslrootcert" => self.sslrootcert = Some(value),
            "sslcert" => self.sslcert = Some(value),
            "sslkey" => self.sslkey = Some(value),
            "passfile" => self.passfile = Some(value),
            // What else a client is told makes no difference to the endpoint.
            _ => {}
        }
        Ok(())
    }

    /// The password for a role: the target's, else libpq's other places for one.
    pub(super) fn password_for(&self, user: &str, dbname: &str) -> Option<String> {
        let given = self.password.clone().or_else(|| env::var("PGPASSWORD").ok());
        given.filter(|password| !password.is_empty()).or_else(|| {
            let path = self.passfile.clone().or_else(|| env::var("PGPASSFILE").ok());
            let home = || env::var("HOME").ok().map(|home| format!("{home}/.pgpass"));
            let text = std::fs::read_to_string(path.or_else(home)?).ok()?;
            let port = self.port.to_string();
            text.lines().find_map(|line| of_line(line, [&self.host, &port, dbname, user]))
        })
    }
}

/// The password of a line of a password file, `hostname:port:database:username:password`.
fn of_line(line: &str, asked: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => fields.last_mut()?.extend(rest.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            next => fields.last_mut()?.push(next),
        }
    }
    let (password, fields) = fields.split_last()?;
    let fits = |(field, asked): (&String, &str)| field == "*" || field == asked;
    (fields.len() == 4 && fields.iter().zip(asked).all(fits)).then(|| password.clone())
}

fn parse_port(text: &str) -> anyhow::Result<u16> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| wrong_use("the target's port is no number from 1 to 65535", "such as 5432"))
}

/// Percent-encoding undone; none of nothing.
fn decode(text: &str) -> anyhow::Result<Option<String>> {
    let hint = "encode it with % and two hexadecimal digits a byte, in UTF-8";
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| wrong_use("the target's URL is not encoded right", hint))?;
    Ok(Some(decoded.into_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Target { user, dbname, password, sslrootcert, .. } = Target::parse(text).unwrap();
        let name = Target::parse(text).unwrap().name();
        let all = [Some(name), user, dbname, password, sslrootcert];
        all.map(Option::unwrap_or_default).join("|")
    }

    #[test]
    fn every_form_is_understood() {
        for (text, expected) in [
            ("db", "db:5432||||"),
            ("db.example.com:6432", "db.example.com:6432||||"),
            ("127.0.0.1:1", "127.0.0.1:1||||"),
            ("::1", "[::1]:5432||||"),
            ("[::1]:6432", "[::1]:6432||||"),
            ("postgresql://db", "db:5432||||"),
            ("postgres://u:p%40s@db:1/d?sslrootcert=%2Fa%20b", "db:1|u|d|p@s|/a b"),
            ("postgresql://u@[::1]:1/", "[::1]:1|u|||"),
            ("postgresql:///d?host=db&port=7", "db:7||d||"),
            ("host=db port=6 user=u password='it\\'s a' dbname = d", "db:6|u|d|it's a|"),
            ("hostaddr=127.0.0.1", "127.0.0.1:5432||||"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_never_shows_the_target() {
        for text in [
            "postgresql://u:secret@db:x",
            "host=db port=secret",
            "password=secret",
            "host=db password='secret",
            "user=u secret",
            "postgresql://u:secret%ff@db",
            "/run/secret",
            "",
        ] {
            let error = Target::parse(text).err().unwrap();
            assert!(!format!("{error:#} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn lines_of_a_password_file_fit_or_do_not() {
        let asked = ["db", "5432", "d", "u"];
        assert_eq!(of_line("db:5432:d:u:p:w", asked), Some("p:w".to_owned()));
        assert_eq!(of_line("*:*:*:u:p\\:\\\\w", asked), Some("p:\\w".to_owned()));
        for line in ["db:5432:d:x:p", "#db:5432:d:u:p", "db:5432:d", ""] {
            assert_eq!(of_line(line, asked), None, "{line}");
        }
    }
}
