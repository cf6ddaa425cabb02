//! Numbers of parts as text.

/// Writes ascending numbers as Slurm takes them: `3,7-9`.
pub(super) fn part_list(parts: impl Iterator<Item = usize>) -> String {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for part in parts {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == part => *last = part,
            _ => spans.push((part, part)),
        }
    }
    let spans: Vec<String> = spans
        .into_iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    spans.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_spans() {
        for (parts, text) in [
            (vec![], ""),
            (vec![0], "0"),
            (vec![3, 7, 8, 9], "3,7-9"),
            (vec![0, 1, 3, 5, 6], "0-1,3,5-6"),
        ] {
            assert_eq!(part_list(parts.into_iter()), text);
        }
    }
}
