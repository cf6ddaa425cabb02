//! A decoder that has decoded such images before allocates nothing for plain grey images.
#![allow(unsafe_code, reason = "an allocator that counts and forwards")]

mod pngs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pngs::Picture;
use rxrx_decoder::{Decoder, Limits, read_shape};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is forwarded unchanged, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, which is that of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_warm_decoder_allocates_nothing() {
    let limits = Limits::default();
    for bits in [8, 16] {
        let files: Vec<_> = [1, 3]
            .map(|pieces| {
                let samples = (0..200 * 100).map(|i| (i * 7 % 251) as u16).collect();
                let mut picture = Picture::grey(200, 100, bits, samples);
                picture.pieces = pieces;
                picture.encode(&[4, 4, 4, 1, 3])
            })
            .into();
        let shape = read_shape(&files[0], &limits).unwrap();
        let mut plane = vec![0; shape.byte_len()];
        let mut decoder = Decoder::new(limits);
        for png in &files {
            decoder.decode(png, shape, &mut plane).unwrap();
        }
        let before = ALLOCATIONS.get();
        for _ in 0..3 {
            for png in &files {
                decoder.decode(png, shape, &mut plane).unwrap();
            }
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{bits} bit");
    }
}
