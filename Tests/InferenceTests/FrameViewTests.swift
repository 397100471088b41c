import Inference
import ModelFormat
import Pixels
import Testing

/// A picture of rows of grey pixels, turned by moving its pixels one by one.
private struct Picture {
    var rows: [[UInt8]]

    static func noise(_ width: Int, _ height: Int) -> Picture {
        var state: UInt64 = 1
        return Picture(
            rows: (0..<height).map { _ in
                (0..<width).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(state >> 56)
                }
            })
    }

    func part(_ left: Int, _ top: Int, _ width: Int, _ height: Int) -> Picture {
        Picture(rows: rows[top..<top + height].map { Array($0[left..<left + width]) })
    }

    func turned(_ quarterTurns: Int) -> Picture {
        (0..<quarterTurns).reduce(self) { picture, _ in
            // The first row becomes the last column.
            Picture(rows: picture.rows[0].indices.map { x in picture.rows.reversed().map { $0[x] } })
        }
    }

    func flipped(horizontally: Bool, vertically: Bool) -> Picture {
        let rows = horizontally ? self.rows.map { $0.reversed() } : self.rows
        return Picture(rows: vertically ? rows.reversed() : rows)
    }

    /// What a model with an input of this size sees.
    func seen(
        _ view: FrameView = FrameView(), shorterSide: Int, width: Int, height: Int
    ) throws -> [UInt8] {
        var input = InputRecord()
        (input.tensor.width, input.tensor.height) = (UInt32(width), UInt32(height))
        (input.tensor.scale, input.tensor.zeroPoint) = (1 / 255, 0)
        (input.mean, input.standardDeviation) = (.zero, .one)
        input.resizeSide = UInt32(shorterSide)
        let (columns, count) = (rows[0].count, rows.count)
        let bytes = try #require(
            Preprocessor.workspaceBytes(
                input: input, format: RB_PIXELS_GREY, width: columns, height: count, view: view))
        let workspace = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        defer { workspace.deallocate() }
        var preprocessor = try #require(
            Preprocessor(
                input: input, format: RB_PIXELS_GREY, width: columns, height: count, view: view,
                workspace: workspace))
        var seen = [UInt8](repeating: 0, count: 4 * width * height)
        let pixels = rows.flatMap { $0 }
        try pixels.withUnsafeBufferPointer { pixels in
            var frame = rb_pixels_frame()
            try #require(
                rb_pixels_frame_in(
                    RB_PIXELS_GREY, Int32(columns), Int32(count), Int32(columns), pixels.baseAddress,
                    pixels.count,
                    &frame))
            #expect(preprocessor.run(&frame, into: &seen))
        }
        return stride(from: 0, to: seen.count, by: 4).map { seen[$0] }
    }
}

private func furthest(_ a: [UInt8], _ b: [UInt8]) -> Int {
    zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

@Suite struct AViewOfAFrame {
    private let picture = Picture.noise(60, 40)

    @Test(arguments: 0..<4, [(false, false), (true, false), (false, true), (true, true)])
    func isCroppedThenTurnedThenFlippedThenARegion(quarterTurns: Int, flips: (Bool, Bool)) throws {
        var view = FrameView()
        view.crop = PixelRectangle(left: 11, top: 3, width: 40, height: 30)
        view.quarterTurns = quarterTurns
        (view.isFlippedHorizontally, view.isFlippedVertically) = flips
        view.region = Fractions(left: 0.1, top: 0.2, width: 0.6, height: 0.5)
        let turned = picture.part(11, 3, 40, 30).turned(quarterTurns).flipped(
            horizontally: flips.0, vertically: flips.1)
        let region = quarterTurns % 2 == 0 ? turned.part(4, 6, 24, 15) : turned.part(3, 8, 18, 20)
        // Where nothing is resized, pixel for pixel; else as near as rounding in another order is.
        let (width, height) = (region.rows[0].count, region.rows.count)
        let side = min(width, height)
        #expect(
            try picture.seen(view, shorterSide: side, width: side, height: side)
                == region.seen(shorterSide: side, width: side, height: side))
        for (shorter, width, height) in [(8, 8, 8), (9, 9, 4), (4, 4, 9), (12, 10, 7), (31, 30, 29)] {
            let longest = max(shorter, max(width, height))
            let got = try picture.seen(view, shorterSide: longest, width: width, height: height)
            let expected = try region.seen(shorterSide: longest, width: width, height: height)
            #expect(furthest(got, expected) <= 1)
        }
    }

    @Test func isTheWholeFrameUnlessAskedForLess() throws {
        #expect(
            try picture.seen(shorterSide: 8, width: 8, height: 8)
                == picture.part(10, 0, 40, 40).seen(shorterSide: 8, width: 8, height: 8))
    }

    @Test func isRefusedWhereTheCropIsNotInsideTheFrame() {
        var input = InputRecord()
        (input.tensor.width, input.tensor.height, input.resizeSide) = (8, 8, 8)
        func isPossible(_ crop: PixelRectangle) -> Bool {
            var view = FrameView()
            view.crop = crop
            let bytes = Preprocessor.workspaceBytes(
                input: input, format: RB_PIXELS_GREY, width: 60, height: 40, view: view)
            #expect((bytes != nil) == view.isInside(width: 60, height: 40))
            return bytes != nil
        }
        #expect(isPossible(PixelRectangle(left: 0, top: 0, width: 60, height: 40)))
        #expect(isPossible(PixelRectangle(left: 59, top: 39, width: 1, height: 1)))
        #expect(!isPossible(PixelRectangle(left: 1, top: 0, width: 60, height: 40)))
        #expect(!isPossible(PixelRectangle(left: 0, top: 1, width: 60, height: 40)))
        #expect(!isPossible(PixelRectangle(left: -1, top: 0, width: 10, height: 10)))
        #expect(!isPossible(PixelRectangle(left: 0, top: 0, width: 0, height: 10)))
        #expect(!isPossible(PixelRectangle(left: .max, top: 0, width: .max, height: 10)))
    }

    @Test func needsAFrameInWhichNothingIsEnlarged() {
        var view = FrameView()
        #expect(view.neededFrame(width: 224, height: 160) == (224, 160))
        view.quarterTurns = 3
        #expect(view.neededFrame(width: 224, height: 160) == (160, 224))
        view.region = Fractions(left: 0, top: 0.5, width: 0.5, height: 0.3)
        #expect(view.neededFrame(width: 224, height: 160) == (534, 448))
        view.region = Fractions(left: 0, top: 0, width: 1e-9, height: 1e-300)
        #expect(view.neededFrame(width: 224, height: 160) == (16384, 16384))
        view.crop = PixelRectangle(left: 100, top: 50, width: 30, height: 40)
        #expect(view.neededFrame(width: 224, height: 160) == (130, 90))
    }

    @Test func hasARegionOfAtLeastOnePixel() throws {
        var view = FrameView()
        view.region = Fractions(left: 1 - 1e-6, top: 0.999, width: 1e-6, height: 1e-4)
        #expect(try picture.seen(view, shorterSide: 1, width: 1, height: 1) == [picture.rows[39][59]])
        for (left, width) in [(-0.1, 0.5), (0.6, 0.5), (0, 0), (0, 1.1), (.nan, 1), (0, .infinity)] {
            #expect(Fractions(left: left, top: 0, width: width, height: 1) == nil)
            #expect(Fractions(left: 0, top: left, width: 1, height: width) == nil)
        }
        // 0.1 + 0.2 + 0.7 is more than 1 in binary.
        #expect(Fractions(left: 0.1 + 0.2, top: 0, width: 0.7, height: 1) != nil)
    }
}
