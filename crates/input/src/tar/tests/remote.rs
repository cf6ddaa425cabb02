use std::sync::Arc;

use object_store::memory::InMemory;
use rxrx_storage::{Remote, RemoteBytes};

use super::*;

#[test]
fn a_tar_in_a_store_reads_as_one_on_a_disk() {
    let contents: Vec<Vec<u8>> = (1..9_u8).map(|at| vec![at; 3000]).collect();
    let names: Vec<String> = (1..9).map(|at| format!("B0{at}_s1_w1.png")).collect();
    let files = names.iter().zip(&contents);
    let files: Vec<(&str, &[u8])> = files.map(|(name, bytes)| (&**name, &**bytes)).collect();
    let key = "x/E-1/Plate1.tar";
    let remote = Remote::on(Arc::new(InMemory::new()), key);
    let tar = tar_of(&files);
    remote.put("", tar.clone().into()).unwrap();
    let bytes = RemoteBytes::of(remote.clone()).unwrap().unwrap();
    let (source, listing) = TarSource::remote("s3://b/x/E-1/Plate1.tar", key, bytes, 0).unwrap();
    assert_eq!(listing.images.len(), 8);
    let paths: Vec<&str> = listing.images.iter().map(|image| &*image.path).collect();
    assert_eq!(paths[0], "E-1/Plate1/B01_s1_w1.png");
    let mut wanted: Vec<_> = paths.iter().rev().map(|path| (*path, Vec::new())).collect();
    for stamp in source.read_all(&mut wanted, 2000) {
        assert_eq!(stamp.unwrap().bytes, 3000);
    }
    for ((_, bytes), content) in wanted.iter().zip(contents.iter().rev()) {
        assert_eq!(*bytes, content[..2000]);
    }

    // A tar that was replaced is no set of bad images.
    remote.put("", [tar, vec![0; 512]].concat().into()).unwrap();
    let error = read(&source, paths[0]).unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("was replaced"), "{error}");
}
