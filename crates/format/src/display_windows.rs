//! Display windows from the statistics of the planes.

use rxrx_metadata::DataType;

use crate::channel_description::{ChannelDescription, Window};
use crate::tables::plane_row::PlaneRow;

/// Of the planes of a channel, how many are not brighter than the end of its window but for
/// one pixel in a thousand: 99 in 100.
const QUANTILE: (u64, u64) = (99, 100);

/// The windows of the channels of a dataset, found plane by plane.
///
/// A window begins at the lowest `p01` of the planes, rounded down. It ends at the 99th
/// percentile of their `p999`, rounded up: the least whole number that is not less than the
/// `p999` of 99 of 100 planes. Planes without an image do not count. The memory is 512 KiB
/// a channel at 16 bit, whatever the number of planes.
pub struct DisplayWindows {
    data_type: DataType,
    channels: Vec<ChannelValues>,
    /// Planes added so far.
    added: usize,
}

/// The values of one channel.
#[derive(Clone)]
struct ChannelValues {
    /// The lowest `p01`, rounded down.
    lowest: u16,
    /// Number of planes for each value of `p999`, rounded up.
    counts: Vec<u64>,
}

impl DisplayWindows {
    /// Begins with no plane.
    pub fn new(channels: usize, data_type: DataType) -> Self {
        let max = data_type.max_value();
        let values = ChannelValues {
            lowest: max,
            counts: vec![0; usize::from(max) + 1],
        };
        Self {
            data_type,
            channels: vec![values; channels],
            added: 0,
        }
    }

    /// Adds the next plane, in site-major order.
    pub fn add(&mut self, plane: &PlaneRow) {
        let channel = self.added % self.channels.len().max(1);
        self.added += 1;
        let values = self.channels.get_mut(channel);
        let (Some(values), Some(summary)) = (values, plane.summary()) else {
            return;
        };
        let statistics = &summary.statistics;
        // A conversion of a float to an integer saturates.
        values.lowest = values.lowest.min(statistics.p01.floor() as u16);
        let value = usize::from(statistics.p999.ceil() as u16);
        if let Some(count) = values.counts.get_mut(value) {
            *count += 1;
        }
    }

    /// Returns the window of each channel. A channel without an image has all intensities.
    pub fn windows(&self) -> Vec<Window> {
        let whole = Window::whole(self.data_type);
        let windows = self.channels.iter().map(|values| {
            let planes: u64 = values.counts.iter().sum();
            let rank = (planes * QUANTILE.0).div_ceil(QUANTILE.1);
            let mut below = 0;
            let end = values.counts.iter().position(|count| {
                below += count;
                below >= rank
            });
            let end = end.and_then(|end| u32::try_from(end).ok());
            match end.filter(|_| planes > 0) {
                Some(end) => {
                    // A window of flat images is one intensity wide.
                    let start = u32::from(values.lowest).min(whole.max.saturating_sub(1));
                    let end = end.max(start + 1);
                    Window {
                        start,
                        end,
                        ..whole
                    }
                }
                None => whole,
            }
        });
        windows.collect()
    }

    /// Gives the channels whose window is to come from the data their windows.
    pub fn set(&self, channels: &mut [ChannelDescription]) {
        let windows = channels.iter_mut().zip(self.windows());
        for (channel, window) in windows.filter(|(channel, _)| channel.has_window_of_data()) {
            channel.window = window;
        }
    }
}

#[cfg(test)]
mod tests;
