// swift-tools-version: 6.2
import PackageDescription

// Bit-exactness across processors forbids fusing a multiply and an add into one rounding.
let cFlags: [CSetting] = [.unsafeFlags(["-ffp-contract=off", "-O3", "-Wall", "-Wextra", "-Werror"])]

// For every module here. Device modules compile a second time, as Embedded Swift without allocations, by
// Firmware/toolsets/build.
let swiftFlags: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "Rarebit",
    products: [
        .executable(name: "rarebit", targets: ["rarebit"]),
        .executable(name: "rarebit-convert", targets: ["rarebit-convert"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
    ],
    targets: [
        // C: inner loops, pixels, system calls, and the libraries' headers.
        .target(
            name: "Kernels", path: "CSupport/Kernels", exclude: ["README.md"], cSettings: cFlags,
            linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "V4LConvert", path: "CSupport/V4LConvert", exclude: ["without.c"], cSettings: cFlags,
            linkerSettings: [.linkedLibrary("v4lconvert"), .linkedLibrary("jpeg"), .linkedLibrary("m")]),
        .target(
            name: "Pixels", dependencies: ["V4LConvert"], path: "CSupport/Pixels", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("m")]),
        .target(name: "Platform", path: "CSupport/Platform", cSettings: cFlags),
        .target(name: "HTTP", path: "CSupport/HTTP", cSettings: cFlags, linkerSettings: [.linkedLibrary("event")]),
        .target(
            name: "Signatures", path: "CSupport/Signatures", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("sodium")]),
        .target(name: "FloatKernels", path: "CSupport/FloatKernels", cSettings: cFlags),
        .target(
            name: "Images", dependencies: ["Pixels"], path: "CSupport/Images", cSettings: cFlags,
            linkerSettings: [
                .linkedLibrary("jpeg"), .linkedLibrary("png16"), .linkedLibrary("webp"), .linkedLibrary("gif"),
                .linkedLibrary("z"), .linkedLibrary("m"),
            ]),
        .target(
            name: "TIFFImages", dependencies: ["Images"], path: "CSupport/TIFFImages", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("tiff")]),
        .systemLibrary(name: "Zlib", path: "CSupport/Zlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // Device modules.
        .target(
            name: "ModelFormat", dependencies: ["Text", "Kernels", "Signatures"], exclude: ["README.md"],
            swiftSettings: swiftFlags),
        .target(name: "Text", exclude: ["README.md"], swiftSettings: swiftFlags),
        .target(
            name: "Inference", dependencies: ["ModelFormat", "Text", "Kernels", "Pixels"], exclude: ["README.md"],
            swiftSettings: swiftFlags),
        .target(name: "Streams", dependencies: ["Pixels"], exclude: ["README.md"], swiftSettings: swiftFlags),
        .target(
            name: "Camera", dependencies: ["Streams", "Text", "Images", "Pixels", "Platform", "HTTP"],
            exclude: ["README.md"], swiftSettings: swiftFlags),
        .target(
            name: "Outputs", dependencies: ["Text", "Platform"], exclude: ["README.md"], swiftSettings: swiftFlags),
        .systemLibrary(name: "RarebitHeader", path: "CSupport/Library"),
        .target(
            name: "Rarebit",
            dependencies: ["RarebitHeader", "Inference", "ModelFormat", "Text", "Pixels", "Platform"],
            exclude: ["README.md"], swiftSettings: swiftFlags),
        .target(
            name: "Reports",
            dependencies: ["Outputs", "Camera", "Inference", "ModelFormat", "Text", "Platform"],
            exclude: ["README.md"], swiftSettings: swiftFlags),

        // Host modules.
        .target(
            name: "Checkpoint", dependencies: ["Zlib", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["ONNX/onnx.proto", "README.md"], swiftSettings: swiftFlags),
        .target(
            name: "FloatGraph", dependencies: ["Checkpoint", "Kernels", "FloatKernels"],
            exclude: ["README.md"],
            // Debug builds too: it multiplies millions of numbers.
            swiftSettings: swiftFlags + [.unsafeFlags(["-O"])]),
        .target(
            name: "Quantization",
            dependencies: ["FloatGraph", "ModelFormat", "Inference", "Kernels", "FloatKernels"], exclude: ["README.md"],
            swiftSettings: swiftFlags),
        .target(
            name: "Evaluation",
            dependencies: [
                "FloatGraph", "Quantization", "Inference", "ModelFormat", "Pixels", "Images", "TIFFImages", "Zlib",
            ],
            exclude: ["README.md"], swiftSettings: swiftFlags),

        // Programs.
        .executableTarget(
            name: "rarebit",
            dependencies: [
                "Reports", "Outputs", "Camera", "Streams", "Rarebit", "Inference", "ModelFormat", "Text", "Images",
                "Pixels", "Platform", "HTTP",
            ],
            path: "Firmware/rarebit",
            swiftSettings: swiftFlags),
        .executableTarget(
            name: "rarebit-convert",
            dependencies: [
                "Evaluation", "Quantization", "FloatGraph", "Checkpoint", "Inference", "ModelFormat", "Rarebit",
                "Signatures", "Reports", "Text", "Platform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Tools/rarebit-convert", swiftSettings: swiftFlags),

        // Tests.
        .target(
            name: "SampleNetworks", dependencies: ["Checkpoint"], path: "Tests/Support/SampleNetworks",
            // It makes hundreds of millions of numbers.
            swiftSettings: swiftFlags + [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "FloatGraphTests", dependencies: ["FloatGraph", "FloatKernels", "Checkpoint", "SampleNetworks"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "QuantizationTests",
            dependencies: ["Quantization", "FloatGraph", "Checkpoint", "ModelFormat", "Inference", "SampleNetworks"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Quantization", "FloatGraph", "Checkpoint", "SampleNetworks", "ProgramRunner",
            ],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "ConvertTests",
            dependencies: [
                "rarebit", "rarebit-convert", "Evaluation", "Quantization", "FloatGraph", "Checkpoint", "ModelFormat",
                "CheckpointWriter", "SampleNetworks", "TinyModel", "ProgramRunner",
            ],
            swiftSettings: swiftFlags),
        .target(
            name: "TinyModel", dependencies: ["ModelFormat", "Inference"], path: "Tests/Support/TinyModel",
            swiftSettings: swiftFlags),
        .target(name: "ProgramRunner", path: "Tests/Support/ProgramRunner", swiftSettings: swiftFlags),
        .testTarget(
            name: "RarebitTests",
            dependencies: ["rarebit", "ModelFormat", "TinyModel", "ProgramRunner", "ImageEncoders"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "ModelFormatTests", dependencies: ["ModelFormat", "Signatures", "TinyModel"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "InferenceTests", dependencies: ["Inference", "ModelFormat", "Pixels", "TinyModel"],
            swiftSettings: swiftFlags),
        .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: swiftFlags),
        .testTarget(
            name: "OutputsTests", dependencies: ["Outputs", "Text", "Platform", "TinyModel", "ProgramRunner"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "ReportsTests",
            dependencies: ["Reports", "Camera", "Inference", "ModelFormat", "Text", "Pixels", "Platform", "TinyModel"],
            swiftSettings: swiftFlags),
        .target(
            name: "KernelCases", dependencies: ["Kernels"], path: "Tests/Support/KernelCases",
            cSettings: cFlags + [.headerSearchPath("../../../CSupport/Kernels")]),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "KernelCases"],
            swiftSettings: swiftFlags),
        .target(
            name: "CheckpointWriter", dependencies: ["Checkpoint"], path: "Tests/Support/CheckpointWriter",
            swiftSettings: swiftFlags),
        .executableTarget(
            name: "peak-memory", dependencies: ["Checkpoint"], path: "Tests/Support/PeakMemory",
            swiftSettings: swiftFlags),
        .testTarget(
            name: "CheckpointTests",
            dependencies: [
                "Checkpoint", "CheckpointWriter", "ProgramRunner", "peak-memory",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: swiftFlags),
        .target(
            name: "ImageEncoders", dependencies: ["Images"], path: "Tests/Support/ImageEncoders", cSettings: cFlags),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "ImageEncoders"], swiftSettings: swiftFlags),
        .testTarget(
            name: "PixelsTests", dependencies: ["Pixels", "Images", "ImageEncoders"], swiftSettings: swiftFlags),
        .testTarget(
            name: "StreamsTests", dependencies: ["Streams", "Pixels", "ImageEncoders"],
            swiftSettings: swiftFlags),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: swiftFlags),
        .testTarget(
            name: "CameraTests", dependencies: ["Camera", "Text", "Pixels", "Platform"], swiftSettings: swiftFlags),
    ],
    cLanguageStandard: .c11
)

// Fuzz targets need every module compiled with the fuzzer's coverage: Tests/System/Fuzz/run builds them apart, with this set.
if Context.environment["RAREBIT_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Checkpoint", "FloatGraph", "Quantization", "ModelFormat", "Inference", "Camera", "Streams", "Images",
                "Pixels", "Platform", "TinyModel",
            ],
            path: "Tests/System/Fuzz", exclude: ["run", "corpus"], swiftSettings: swiftFlags))
}
