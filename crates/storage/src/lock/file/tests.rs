use super::*;

const BEGUN: &str = "begun";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn work(&self) -> PathBuf {
        self.0.path().join("out.work")
    }

    fn alone(&self) -> Result<FileLock, LockError> {
        FileLock::take(&self.output(), &self.work(), BEGUN)
    }

    fn share(&self, label: &str) -> Result<FileLock, LockError> {
        FileLock::share(
            &self.output(),
            &self.work(),
            BEGUN,
            (label, "0123456789abcdef"),
        )
    }

    fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.work()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

#[test]
fn workers_hold_a_lock_together_and_nobody_holds_it_alone_meanwhile() {
    let place = Place::new();
    let first = place.share("part 1").unwrap();
    let second = place.share("part 0").unwrap();
    first.check().unwrap();
    assert_eq!(FileLock::holder(&place.work()).unwrap(), None);
    let workers = FileLock::workers(&place.work()).unwrap();
    let labels: Vec<&str> = workers.iter().map(|worker| worker.label.as_str()).collect();
    assert_eq!(labels, ["part 0", "part 1"]);
    let process = format!("process {} on ", std::process::id());
    assert!(
        workers
            .iter()
            .all(|worker| worker.holder.starts_with(&process))
    );

    let error = place.alone().err().unwrap().to_string();
    assert!(
        error.contains(&process) && error.contains("(part 0), process"),
        "{error}"
    );
    drop(first);
    let error = place.alone().err().unwrap().to_string();
    assert!(!error.contains("part 1"), "{error}");
    drop(second);
    assert_eq!(FileLock::workers(&place.work()).unwrap(), []);
    // Nothing was begun.
    assert!(!place.work().exists());

    let alone = place.alone().unwrap();
    let error = place.share("part 1").err().unwrap().to_string();
    assert!(error.contains("is being written by process"), "{error}");
    assert!(
        FileLock::holder(&place.work())
            .unwrap()
            .unwrap()
            .starts_with(&process)
    );
    // Nothing was begun.
    drop(alone);
    assert!(!place.work().exists());
}

#[test]
fn the_file_of_a_dead_worker_is_that_of_nobody_and_goes() {
    let place = Place::new();
    let worker = place.share("part 7").unwrap();
    let dead = place.work().join("worker-of-a-dead-process");
    fs::write(&dead, r#"{"host":"far","pid":1,"label":"part 9"}"#).unwrap();
    let workers = FileLock::workers(&place.work()).unwrap();
    assert_eq!(workers.len(), 1, "{workers:?}");
    // One who shares the lock removes its temporary files, and no others.
    let named = place.work().join("worker-of-another-dead-process");
    let content = r#"{"host":"far","pid":1,"label":"part 9","owner":"00000000000000aa"}"#;
    fs::write(&named, content).unwrap();
    let torn = place.work().join("worker-of-one-that-writes");
    fs::write(&torn, "").unwrap();
    let temporary = |name: &str| place.work().join(name);
    let left = temporary("object-00000000000000aa0123456789abcdef.tmp");
    let others = temporary("object-00000000000000bb0123456789abcdef.tmp");
    fs::write(&left, "").unwrap();
    fs::write(&others, "").unwrap();
    drop(place.share("part 8").unwrap());
    let there = [&dead, &named, &torn, &left, &others].map(|path| path.exists());
    assert_eq!(there, [false, false, true, false, true]);
    fs::remove_file(others).unwrap();
    fs::write(place.work().join(BEGUN), "").unwrap();
    drop(worker);
    let alone = place.alone().unwrap();
    assert!(!dead.exists());
    drop(alone);
    let mut entries = place.entries();
    entries.sort();
    assert_eq!(entries, [BEGUN, LOCK]);
}

#[test]
fn more_workers_than_a_message_can_name_are_counted() {
    let place = Place::new();
    let labels = (0..5).map(|number| format!("part {number}"));
    let workers: Vec<FileLock> = labels.map(|label| place.share(&label).unwrap()).collect();
    let error = place.alone().err().unwrap().to_string();
    assert!(error.contains("(part 2), 2 more"), "{error}");
    drop(workers);
    // A worker never removes the work of all.
    let worker = place.share("part 0").unwrap();
    fs::write(place.work().join(BEGUN), "").unwrap();
    Box::new(worker).remove_work(&|_| false);
    assert!(place.work().join(BEGUN).exists());
}
