//! Compiled engines that are kept on disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rig::{Rig, limits, printed, words};

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the cache is there");
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}

fn file_of(dir: &Path, digest: &str) -> PathBuf {
    let named = |file: &PathBuf| file.display().to_string().contains(digest);
    files(dir).into_iter().find(named).expect("it is kept")
}

#[tokio::test]
async fn a_second_host_runs_what_the_first_has_compiled() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = dir.path().join("cache");
    let first = Rig::with_cache(limits(), &cache);
    first.put("line-count", "counts");
    first.put("slow", "other");
    let digest_of = async |name| first.registry.resolve(name).await.expect("it is there").digest().to_owned();
    let (counts, other) = (digest_of("counts").await, digest_of("other").await);
    assert_eq!(files(&cache).len(), 2);

    // Only a host that does not compile `other` takes it for `counts`.
    fs::remove_file(file_of(&cache, &other)).expect("it is there");
    let name = file_of(&cache, &counts).display().to_string().replace(&counts, &other);
    fs::copy(file_of(&cache, &counts), name).expect("it can be copied");
    let second = Rig::with_cache(limits(), &cache);
    second.put("slow", "other");
    let read = second.read("other", printed()).await.expect("it runs");
    assert_eq!(words(&read), ["lines:", "3"]);
    assert_eq!(files(&cache).len(), 2);
}

#[tokio::test]
async fn a_damaged_file_is_made_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = dir.path().join("cache");
    Rig::with_cache(limits(), &cache).works().await;
    let file = files(&cache).pop().expect("it is kept");
    let whole = fs::read(&file).expect("it can be read");
    for left in [whole.len() / 2, 0] {
        fs::remove_file(&file).expect("it is there");
        fs::write(&file, &whole[..left]).expect("it can be written");
        Rig::with_cache(limits(), &cache).works().await;
        assert_eq!(files(&cache), [file.as_path()]);
        assert_eq!(fs::metadata(&file).expect("it is there").len(), whole.len() as u64);
    }
}

#[tokio::test]
async fn code_that_was_changed_or_put_there_by_others_is_not_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = dir.path().join("cache");
    Rig::with_cache(limits(), &cache).works().await;
    let file = files(&cache).pop().expect("it is kept");
    let whole = fs::read(&file).expect("it can be read");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&file, &changed).expect("it can be written");
    Rig::with_cache(limits(), &cache).works().await;
    assert_eq!(fs::read(&file).expect("it is made again"), whole);

    let elsewhere = dir.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("it can be moved");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&elsewhere, &file).expect("it can be linked");
        Rig::with_cache(limits(), &cache).works().await;
        assert!(!fs::symlink_metadata(&file).expect("it is made again").is_symlink());
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it is ours");
        Rig::with_cache(limits(), &cache).works().await;
        let mode = fs::metadata(&file).expect("it is made again").permissions().mode();
        assert_eq!(mode & 0o022, 0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    for mode in [0o777, 0o720, 0o702] {
        let cache = dir.path().join(format!("{mode:o}"));
        fs::create_dir(&cache).expect("it can be made");
        fs::set_permissions(&cache, fs::Permissions::from_mode(mode)).expect("it is ours");
        Rig::with_cache(limits(), &cache).works().await;
        assert!(files(&cache).is_empty(), "{mode:o}");
    }
    let own = dir.path().join("made/by/the/host");
    Rig::with_cache(limits(), &own).works().await;
    assert_eq!(fs::metadata(&own).expect("it is made").permissions().mode() & 0o777, 0o700);
    assert_eq!(files(&own).len(), 1);
}
