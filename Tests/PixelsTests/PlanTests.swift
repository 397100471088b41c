import Pixels
import Testing

private func size(_ view: rb_pixels_view) -> [Int32] {
    [
        view.left, view.top, view.width, view.height, view.resized_width, view.resized_height, view.crop_left,
        view.crop_top, view.output_width, view.output_height,
    ]
}

@Test("a shorter side equal to the output's larger one takes the largest centred region with the output's aspect ratio")
func centreView() {
    #expect(
        size(rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 32, 32, 32)) == [80, 0, 480, 480, 32, 32, 0, 0, 32, 32])
    #expect(
        size(rb_pixels_model_view(480, 641, RB_PIXELS_CROP, 32, 32, 32)) == [0, 80, 480, 480, 32, 32, 0, 0, 32, 32])
    #expect(
        size(rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 64, 64, 32)) == [0, 80, 640, 320, 64, 32, 0, 0, 64, 32])
    #expect(size(rb_pixels_model_view(32, 32, RB_PIXELS_CROP, 32, 32, 32)) == [0, 0, 32, 32, 32, 32, 0, 0, 32, 32])
}

@Test("a larger shorter side resizes the whole frame and rounds as torchvision's Resize and CenterCrop do")
func shorterSideView() {
    // 256 * 500 / 375 = 341.3; margins 117 / 2 = 58.5 to even and 32 / 2.
    #expect(
        size(rb_pixels_model_view(500, 375, RB_PIXELS_CROP, 256, 224, 224)) == [
            0, 0, 500, 375, 341, 256, 58, 16, 224, 224,
        ])
    // 119 / 2 = 59.5 to even is 60.
    #expect(
        size(rb_pixels_model_view(375, 503, RB_PIXELS_CROP, 256, 224, 224)) == [
            0, 0, 375, 503, 256, 343, 16, 60, 224, 224,
        ])
    #expect(size(rb_pixels_model_view(32, 32, RB_PIXELS_CROP, 32, 32, 32)) == [0, 0, 32, 32, 32, 32, 0, 0, 32, 32])
}

@Test("squashing resizes the whole frame to the output's shape, and crops the centre of what is larger")
func squashedView() {
    #expect(
        size(rb_pixels_model_view(500, 375, RB_PIXELS_SQUASH, 224, 224, 224))
            == [0, 0, 500, 375, 224, 224, 0, 0, 224, 224])
    #expect(
        size(rb_pixels_model_view(500, 375, RB_PIXELS_SQUASH, 256, 224, 224))
            == [0, 0, 500, 375, 256, 256, 16, 16, 224, 224])
    #expect(
        size(rb_pixels_model_view(500, 375, RB_PIXELS_SQUASH, 80, 64, 32)) == [0, 0, 500, 375, 80, 40, 8, 4, 64, 32])
}

/// left, top, right, bottom
private func padding(_ view: rb_pixels_view) -> [Int32] {
    [view.pad_left, view.pad_top, view.pad_right, view.pad_bottom]
}

@Test("padding fits the whole frame in and rounds as Pillow's ImageOps.pad does")
func paddedView() {
    let wide = rb_pixels_model_view(500, 375, RB_PIXELS_PAD, 224, 224, 224)
    #expect(size(wide) == [0, 0, 500, 375, 224, 168, 0, 0, 224, 168])
    #expect(padding(wide) == [0, 28, 0, 28])
    // 32 * 41 / 64 = 20.5 to even; the margin 12 is halved.
    let tall = rb_pixels_model_view(41, 64, RB_PIXELS_PAD, 32, 32, 32)
    #expect(size(tall) == [0, 0, 41, 64, 20, 32, 0, 0, 20, 32])
    #expect(padding(tall) == [6, 0, 6, 0])
    // 32 * 43 / 64 = 21.5 to even; the margin 10.
    #expect(rb_pixels_model_view(43, 64, RB_PIXELS_PAD, 32, 32, 32).output_width == 22)
    // A margin of 3: half of it is 1.5, to even 2.
    #expect(padding(rb_pixels_model_view(64, 58, RB_PIXELS_PAD, 32, 32, 32)) == [0, 2, 0, 1])
    #expect(rb_pixels_model_view(10000, 1, RB_PIXELS_PAD, 32, 32, 32).output_height == 1)
}

@Test("what is around a padded frame is black, on every side, however it is turned", arguments: 0..<4 as Range<Int32>)
func paddedFrame(turns: Int32) throws {
    let frame = Frame(
        format: RB_PIXELS_RGB24, width: 8, height: 4, stride: 24, bytes: [UInt8](repeating: 200, count: 96))
    var view = rb_pixels_model_view(8, 4, RB_PIXELS_PAD, 8, 8, 8)
    view.quarter_turns = turns
    let quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 7)
    let pixels = try convert(frame, view, quantisation)
    #expect(pixels.count == 4 * 64)
    for y in 0..<8 {
        for x in 0..<8 {
            let isInside = (2..<6).contains(turns % 2 == 0 ? y : x)
            let value: UInt8 = isInside ? 207 : 7
            #expect(pixels[4 * (8 * y + x)..<4 * (8 * y + x) + 4] == [value, value, value, 0], "\(x), \(y)")
        }
    }
}

@Test("a geometry that does not fit has no workspace and no plan")
func impossibleGeometries() {
    let good = rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 32, 32, 32)
    var workspace: [UInt8] = [0xA5]
    func refuses(_ change: (inout rb_pixels_view) -> Void, width: Int32 = 640, height: Int32 = 480) -> Bool {
        var view = good
        change(&view)
        var plan = rb_pixels_plan()
        var quantisation = rb_pixels_quantisation.identity
        return rb_pixels_workspace_bytes(RB_PIXELS_YUYV, width, height, &view) == 0
            && !rb_pixels_configure(
                &plan, RB_PIXELS_YUYV, width, height, rb_pixels_colour(), &view, &quantisation, &workspace)
    }
    #expect(rb_pixels_workspace_bytes(RB_PIXELS_YUYV, 640, 480, [good]) > 0)
    #expect(refuses { $0.left = 161 })
    #expect(refuses { $0.left = -1 })
    #expect(refuses { $0.top = 1 })
    #expect(refuses { $0.width = 0 })
    #expect(refuses { $0.height = .max })
    #expect(refuses { $0.crop_left = 1 })
    #expect(refuses { $0.output_height = 33 })
    #expect(refuses { $0.resized_width = 16385 })
    #expect(refuses { $0.quarter_turns = 4 })
    #expect(refuses { $0.pad_left = -1 })
    #expect(refuses { $0.pad_bottom = 16385 })
    #expect(refuses { $0.quarter_turns = -1 })
    #expect(refuses { $0.resized_height = .min })
    #expect(refuses({ _ in }, width: 559))
    #expect(refuses({ _ in }, width: 16385))
    #expect(refuses({ _ in }, height: .min))
    #expect(refuses { $0 = rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 31, 32, 32) })
    #expect(refuses { $0 = rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 0, 0, 0) })
    #expect(rb_pixels_workspace_bytes(RB_PIXELS_FORMAT_COUNT, 640, 480, [good]) == 0)
    #expect(workspace == [0xA5])
}

@Test("the largest geometries stay exact")
func largest() throws {
    let wide = Frame.rgb(16384, 1) { x, _, _ in x < 8192 ? 0 : 255 }
    let halves = try convert(wide, rb_pixels_view(whole: wide, resizedTo: 2, 1))
    #expect(halves[0] < 64 && halves[4] > 191)
    let enlarged = Frame.rgb(1, 1) { _, _, channel in UInt8(channel) }
    let pixels = try convert(enlarged, rb_pixels_view(whole: enlarged, resizedTo: 16384, 1))
    #expect(pixels == Array(repeating: [0, 1, 2, 0], count: 16384).flatMap { $0 })
}

/// The lookup's formula as the header states it.
private func quantised(_ value: UInt8, mean: Float, std: Float, scale: Float, zeroPoint: Int) -> UInt8 {
    let steps = ((Float(value) / 255 - mean) / std) / scale
    return UInt8(min(max(Int(steps.rounded(.toNearestOrEven)) + zeroPoint, 0), 255))
}

@Test("channel values are normalised and quantised by their own mean and std", arguments: [false, true])
func quantisation(bgr: Bool) throws {
    let mean: [Float] = [0.485, 0.456, 0.406]
    let std: [Float] = [0.229, 0.224, 0.225]
    let quantisation = rb_pixels_quantisation(
        bgr: bgr, mean: (mean[0], mean[1], mean[2]), std: (std[0], std[1], std[2]), scale: 0.0187, zero_point: 114)
    let frame = Frame.rgb(256, 1) { x, _, channel in UInt8((x + 85 * channel) % 256) }
    let pixels = try convert(frame, rb_pixels_view(whole: frame, resizedTo: 256, 1), quantisation)
    for x in 0..<256 {
        for c in 0..<3 {
            let value = frame.bytes[3 * x + (bgr ? 2 - c : c)]
            #expect(
                pixels[4 * x + c]
                    == quantised(value, mean: mean[c], std: std[c], scale: 0.0187, zeroPoint: 114))
        }
        #expect(pixels[4 * x + 3] == 0)
    }
}

@Test("values beyond the input's range are clamped, and halves round to even")
func clampedQuantisation() throws {
    let frame = Frame.rgb(256, 1) { x, _, _ in UInt8(x) }
    let view = rb_pixels_view(whole: frame, resizedTo: 256, 1)
    let steep = rb_pixels_quantisation(
        bgr: false, mean: (0.5, 0.5, 0.5), std: (1e-30, 1e-30, 1e-30), scale: 1e-3, zero_point: 7)
    let pixels = try convert(frame, view, steep)
    #expect(pixels[4 * 127] == 0 && pixels[4 * 128] == 255)

    // White is 1: (1 - mean) / 2 is 0.5, 1.5 and 2.5.
    let halved = rb_pixels_quantisation(bgr: false, mean: (0, -2, -4), std: (2, 2, 2), scale: 1, zero_point: 10)
    #expect(try convert(frame, view, halved)[(4 * 255)...] == [10, 12, 12, 0])
}

@Test(
    "a quantisation that is none is refused",
    arguments: [
        (0, 1, 0, 0), (0, 1, -1, 0), (0, 1, .nan, 0), (0, 1, .infinity, 0), (0, 0, 1, 0), (0, .nan, 1, 0),
        (.nan, 1, 1, 0), (.infinity, 1, 1, 0), (0, 1, 1, -1), (0, 1, 1, 256),
    ] as [(Float, Float, Float, Int32)])
func impossibleQuantisation(mean: Float, std: Float, scale: Float, zeroPoint: Int32) {
    var quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, mean), std: (1, 1, std), scale: scale, zero_point: zeroPoint)
    var view = rb_pixels_model_view(4, 4, RB_PIXELS_CROP, 4, 4, 4)
    var plan = rb_pixels_plan()
    var workspace: [UInt8] = [0xA5]
    #expect(!rb_pixels_configure(&plan, RB_PIXELS_RGB24, 4, 4, rb_pixels_colour(), &view, &quantisation, &workspace))
    #expect(workspace == [0xA5])
}

@Test("a colour that is none is refused", arguments: [(2, 0), (0, 3), (.max, 0), (0, .max)] as [(UInt32, UInt32)])
func impossibleColour(matrix: UInt32, range: UInt32) {
    let colour = rb_pixels_colour(
        matrix: rb_pixels_matrix(rawValue: matrix), range: rb_pixels_range(rawValue: range))
    var quantisation = rb_pixels_quantisation.identity
    var view = rb_pixels_model_view(4, 4, RB_PIXELS_CROP, 4, 4, 4)
    var plan = rb_pixels_plan()
    var workspace: [UInt8] = [0xA5]
    #expect(!rb_pixels_configure(&plan, RB_PIXELS_YUYV, 4, 4, colour, &view, &quantisation, &workspace))
    #expect(workspace == [0xA5])
}
