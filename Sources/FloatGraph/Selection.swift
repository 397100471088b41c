/// Some channels and pixels of an image, and zeros around them: padding, cutting, taking every second pixel.
public struct Selection: Equatable, Sendable {
    public var channels: Span
    public var y: Span
    public var x: Span

    /// Output i is input `start + i * step`, or 0 where that does not exist.
    public struct Span: Equatable, Sendable {
        /// Negative: that many zeros stand first.
        public var start: Int
        public var count: Int
        /// 1 or more.
        public var step: Int

        public init(start: Int = 0, count: Int, step: Int = 1) {
            self.start = start
            self.count = count
            self.step = step
        }

        /// The outputs that exist in an input of `edge`.
        public func inside(_ edge: Int) -> Range<Int> {
            let first = start >= 0 ? 0 : min((-start + step - 1) / step, count)
            let end = edge <= start ? 0 : min((edge - 1 - start) / step + 1, count)
            return first..<max(first, end)
        }

        public func isWhole(_ edge: Int) -> Bool { self == Span(count: edge) }

        /// What selecting this from what `first` selected of an input of `edge` selects of that input; nil where `first` cut
        /// off something that a single span would show.
        func after(_ first: Span, of edge: Int) -> Span? {
            let whole = Span(start: first.start + start * first.step, count: count, step: first.step * step)
            guard whole.makesSense else { return nil }
            let shown = whole.inside(edge)
            return shown.isEmpty || shown.clamped(to: inside(first.count)) == shown ? whole : nil
        }

        /// Numbers of which a sum or product with an edge cannot overflow: selections that make no sense are in no graph.
        var makesSense: Bool {
            let limit = 1 << 16
            return count >= 1 && (1...limit).contains(step) && (-limit...limit).contains(start)
        }
    }

    public init(channels: Span, y: Span, x: Span) {
        self.channels = channels
        self.y = y
        self.x = x
    }

    /// Everything of an image of this shape.
    public init(whole shape: FeatureShape) {
        channels = Span(count: shape.channels)
        y = Span(count: shape.height)
        x = Span(count: shape.width)
    }

    /// The parameter-free shortcut of CIFAR ResNets ("option A"): every second pixel, from the first, with zero channels on
    /// both sides, equally many, up to `channels`.
    public init(optionAShortcutOf shape: FeatureShape, channels: Int) {
        self.channels = Span(start: -(channels - shape.channels) / 2, count: channels)
        y = Span(count: (shape.height + 1) / 2, step: 2)
        x = Span(count: (shape.width + 1) / 2, step: 2)
    }

    var shape: FeatureShape { FeatureShape(channels: channels.count, height: y.count, width: x.count) }

    func after(_ first: Selection, of shape: FeatureShape) -> Selection? {
        guard let channels = channels.after(first.channels, of: shape.channels),
            let y = y.after(first.y, of: shape.height), let x = x.after(first.x, of: shape.width)
        else { return nil }
        return Selection(channels: channels, y: y, x: x)
    }

    /// The convolution that copies what this selects; nil where it would have more than 2^26 weights: a window reaches from
    /// the first pixel to the first one that is selected.
    public func convolution(of shape: FeatureShape) -> Convolution? {
        let window = Window(y: y.axis(of: shape.height), x: x.axis(of: shape.width))
        let isDepthwise = channels.isWhole(shape.channels)
        let inputs = isDepthwise ? 1 : shape.channels
        guard [channels.count, inputs, window.y.size, window.x.size].reduce(1, { $0 * Double($1) }) <= 0x1p26 else {
            return nil
        }
        var weights = [Float](repeating: 0, count: channels.count * inputs * window.count)
        // Of a window that begins outside what is selected, only the last position counts.
        for output in channels.inside(shape.channels) {
            let input = isDepthwise ? 0 : channels.start + output * channels.step
            weights[(output * inputs + input + 1) * window.count - 1] = 1
        }
        return Convolution(
            inputChannels: shape.channels, outputChannels: channels.count, groups: isDepthwise ? shape.channels : 1,
            window: window, weights: weights, bias: [Float](repeating: 0, count: channels.count))
    }
}

extension Selection.Span {
    /// The steps of a window whose last position is what this selects.
    fileprivate func axis(of edge: Int) -> Window.Axis {
        let size = max(start, 0) + 1
        let before = max(-start, 0)
        return Window.Axis(
            size: size, stride: step, before: before, after: (count - 1) * step + size - before - edge)
    }
}
