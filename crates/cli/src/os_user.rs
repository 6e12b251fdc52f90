//! Operating system users: whom to run as, and giving privileges up for good.
//!
//! pgkeep and its servers run as one unprivileged user, which owns all their files. PostgreSQL
//! refuses root, and a control plane that kept it would be root's largest parser of outside bytes.

use anyhow::{Context as _, bail};
use nix::unistd::{Gid, Uid, User, getuid, setegid, seteuid, setgroups, setresgid, setresuid};

use crate::failure::{Hint as _, hinted};

/// Users to run as when root names none, the preferred first; the last is shared with others, so
/// it comes with a warning.
pub(crate) const UNPRIVILEGED: [&str; 3] = ["pgkeep", "postgres", "nobody"];

/// A user of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OsUser {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    gid: Gid,
}

impl OsUser {
    /// The user that runs this process.
    pub(crate) fn current() -> anyhow::Result<Self> {
        Self::of_uid(getuid())?.with_context(|| format!("user {} has no name", getuid())).hint(
            || "PostgreSQL serves users with a name only: add this user to /etc/passwd".to_owned(),
        )
    }

    /// The user with that number.
    pub(crate) fn of_uid(uid: Uid) -> anyhow::Result<Option<Self>> {
        let found = User::from_uid(uid).with_context(|| format!("cannot look up user {uid}"))?;
        Ok(found.map(Self::from))
    }

    /// The user that root becomes: the named one, else the first that exists.
    pub(crate) fn unprivileged(asked: Option<&str>) -> anyhow::Result<Self> {
        let names = asked.map_or(UNPRIVILEGED.to_vec(), |name| vec![name]);
        for name in &names {
            let found = User::from_name(name);
            let found = found.with_context(|| format!("cannot look up the user {name}"))?;
            match found.map(Self::from) {
                Some(user) if user.uid.is_root() => bail!("{name} is root: choose another --user"),
                Some(user) => return Ok(user),
                None => {}
            }
        }
        let missing = format!("there is no user {}", names.join(", "));
        let name = names.first().unwrap_or(&"pgkeep");
        Err(hinted(missing, format!("adduser --system --group {name}")))
    }

    /// Makes this process the user's for good. Only before there is a second thread.
    pub(crate) fn become_for_good(&self) -> anyhow::Result<()> {
        let become_it = || {
            setgroups(&[self.gid])?;
            setresgid(self.gid, self.gid, self.gid)?;
            setresuid(self.uid, self.uid, self.uid)
        };
        become_it().with_context(|| format!("cannot become the user {}", self.name))
    }

    /// Does `work` with the user's rights to files, and takes the own ones back. Only before there
    /// is a second thread.
    pub(crate) fn act_as<T>(&self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        if self.uid == getuid() {
            return work();
        }
        let own_group = nix::unistd::getegid();
        setegid(self.gid).and_then(|()| seteuid(self.uid)).context("cannot change the user")?;
        let done = work();
        seteuid(Uid::from_raw(0))
            .and_then(|()| setegid(own_group))
            .context("cannot change back")?;
        done
    }

    /// As `-o` and `-g` of chown would have it.
    pub(crate) fn ids(&self) -> (Option<u32>, Option<u32>) {
        (Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }
}

impl From<User> for OsUser {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid, gid: user.gid }
    }
}
