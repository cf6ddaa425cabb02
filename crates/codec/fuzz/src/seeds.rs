//! Writes the corpus that the fuzzer begins with into the folder that is its argument.

use std::fs;
use std::path::PathBuf;

use rxrx_codec_fuzz::c_blosc_frame;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder"));
    let dim = |length: usize| -> Vec<u8> {
        let noise = (0..length as u32).map(|at| at.wrapping_mul(2_654_435_761) >> 29);
        noise.map(|value| value as u8).collect()
    };
    let write = |name: &str, kind: u8, more: u8, bytes: &[u8]| {
        let input = [&[kind, more], bytes].concat();
        fs::write(folder.join(name), input).expect("write");
    };
    for (name, bits) in [("lz4", 0), ("zstd", 4)] {
        for sample_bytes in [1, 2] {
            for shuffle in [0, 2] {
                let frame = c_blosc_frame(name, shuffle, sample_bytes, 512, &dim(1600));
                let more = bits | ((sample_bytes as u8 - 1) << 1);
                let file = format!("frame-{name}-{sample_bytes}-{shuffle}");
                write(&file, 0, more, &frame.expect("a frame"));
            }
        }
    }
    for more in [0, 1, 2, 3, 0x0C, 0x1F] {
        write(&format!("samples-{more}"), 1, more, &dim(1300));
        write(&format!("whole-{more}"), 2, more, &dim(1300));
        let changed = [vec![40, 0, 3, 200, 1, 255], dim(1300)].concat();
        write(&format!("changed-{more}"), 2, more | 0x80, &changed);
    }
    write("differences-1", 3, 0, &dim(700));
    write("differences-2", 3, 1, &dim(701));
}
