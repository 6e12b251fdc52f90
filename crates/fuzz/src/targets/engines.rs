//! An engine's package.

use std::fs;
use std::path::Path;

use pgkeep_postgres::fuzzing::unpack_engine;

/// Whatever a tar archive says, files appear in its own folder only, and none is a device, a
/// socket or a link that leads out.
pub(super) fn archive(bytes: &[u8]) {
    let folder = tempfile::tempdir_in(shared_memory()).expect("a folder");
    let engine = folder.path().join("engine");
    fs::create_dir(&engine).expect("a folder");
    let unpacked = unpack_engine(bytes, &engine);
    let beside: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(beside.len(), 1, "the archive leads out of its folder");
    if unpacked {
        check(&engine, &engine);
    }
}

/// Where files cost no disk.
fn shared_memory() -> &'static Path {
    let folder = Path::new("/dev/shm");
    if folder.is_dir() { folder } else { Path::new("/tmp") }
}

fn check(folder: &Path, engine: &Path) {
    for entry in fs::read_dir(folder).expect("a folder of the engine").flatten() {
        let path = entry.path();
        let kind = path.symlink_metadata().expect("it is there").file_type();
        if kind.is_symlink() {
            let leads_to = path.canonicalize().expect("the link leads somewhere");
            let engine = engine.canonicalize().expect("it is there");
            assert!(leads_to.starts_with(engine), "a link leads out: {}", leads_to.display());
        } else if kind.is_dir() {
            check(&path, engine);
        } else {
            assert!(kind.is_file(), "neither a file nor a folder: {}", path.display());
        }
    }
}
