use super::*;

/// The text and its separator, read in pieces of `step` bytes.
fn read(bytes: &[u8], step: usize) -> io::Result<(String, char)> {
    struct Slow<'a>(&'a [u8], usize);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len());
            self.0.read(&mut buffer[..count])
        }
    }
    let (mut text, separator) = recognise(Slow(bytes, step))?;
    let mut all = String::new();
    text.read_to_string(&mut all)?;
    Ok((all, char::from(separator)))
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    let bytes = |unit: u16| match big {
        true => unit.to_be_bytes(),
        false => unit.to_le_bytes(),
    };
    units.flat_map(bytes).collect()
}

#[test]
fn each_encoding_gives_the_same_text() {
    let text = "a;µ\n🧫;ß\n".repeat(5000);
    let marked = [UTF8_MARK, text.as_bytes()].concat();
    let all = [
        text.clone().into_bytes(),
        marked,
        utf16(&text, false),
        utf16(&text, true),
    ];
    for bytes in all {
        for step in [1, 3, 1000, 1 << 20] {
            assert_eq!(read(&bytes, step).unwrap(), (text.clone(), ';'));
        }
    }
}

#[test]
fn a_damaged_utf16_text_is_an_error() {
    let good = utf16("a,b\n🧫,1\n", false);
    let error = read(&good[..good.len() - 1], 100).unwrap_err();
    assert!(error.to_string().contains("ends in the middle"), "{error}");
    let mut half = good.clone();
    half.drain(12..14); // the second half of the character
    let error = read(&half, 100).unwrap_err();
    assert!(error.to_string().contains("half a UTF-16"), "{error}");
}

#[test]
fn the_separator_is_the_most_frequent_one_of_the_header() {
    for (text, separator) in [
        ("", ','),
        ("a\n1\n", ','),
        ("a,b;c,d\n;;;;;;\n", ','),
        ("\r\n  \na\tb\n", '\t'),
        ("a;b\r1,2,3,4", ';'),
        ("\"a,b,c\";d\n", ';'),
        ("\"a\nb,c,d\"\te\n", '\t'),
    ] {
        assert_eq!(read(text.as_bytes(), 100).unwrap().1, separator, "{text:?}");
    }
}

/// With the csv crate alone, a text that is one mark behind another never ends.
#[test]
fn further_marks_are_left_out() {
    let mark = "\u{feff}";
    for (text, expected) in [
        (mark.to_owned(), ""),
        (mark.repeat(6000), ""),
        (format!("{mark}a\tb\n"), "a\tb\n"),
        (
            format!("{}a\tb\n{mark}1\t2\n", mark.repeat(7000)),
            "a\tb\n\u{feff}1\t2\n",
        ),
    ] {
        let utf8 = [UTF8_MARK, text.as_bytes()].concat();
        for bytes in [utf8, utf16(&text, false), utf16(&text, true)] {
            for step in [3, 1000, 1 << 20] {
                let (read, separator) = read(&bytes, step).unwrap();
                assert_eq!(read, expected, "{} bytes", bytes.len());
                assert_eq!(separator, if expected.is_empty() { ',' } else { '\t' });
            }
        }
    }
}
