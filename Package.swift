// swift-tools-version: 6.2
import PackageDescription

// Bit-exactness across processors forbids fusing a multiply and an add into one rounding.
let cFlags: [CSetting] = [.unsafeFlags(["-ffp-contract=off", "-O3", "-Wall", "-Wextra", "-Werror"])]

// Device modules compile both as ordinary Swift and as Embedded Swift without allocations.
// The second build is Firmware/toolsets/build.
let deviceFlags: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let hostFlags: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "Rarebit",
    products: [
        .executable(name: "rarebit", targets: ["rarebit"]),
        .executable(name: "rarebit-convert", targets: ["rarebit-convert"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // C: inner loops, pixels, system calls, and the libraries' headers.
        .target(
            name: "Kernels", path: "CSupport/Kernels", exclude: ["README.md"], cSettings: cFlags,
            linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "V4LConvert", path: "CSupport/V4LConvert", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("v4lconvert"), .linkedLibrary("jpeg"), .linkedLibrary("m")]),
        .target(
            name: "Pixels", dependencies: ["V4LConvert"], path: "CSupport/Pixels", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("m")]),
        .target(name: "Platform", path: "CSupport/Platform", cSettings: cFlags),
        .target(name: "HTTP", path: "CSupport/HTTP", cSettings: cFlags, linkerSettings: [.linkedLibrary("event")]),
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
        .target(name: "ModelFormat", dependencies: ["Kernels"], exclude: ["README.md"], swiftSettings: deviceFlags),
        .target(name: "Text", exclude: ["README.md"], swiftSettings: deviceFlags),
        .target(
            name: "Inference", dependencies: ["ModelFormat", "Text", "Kernels", "Pixels"], exclude: ["README.md"],
            swiftSettings: deviceFlags),
        .target(
            name: "Camera", dependencies: ["Text", "Pixels", "Platform"], exclude: ["README.md"],
            swiftSettings: deviceFlags),
        .target(
            name: "Outputs", dependencies: ["Text", "Platform"], exclude: ["README.md"], swiftSettings: deviceFlags),
        .target(
            name: "Reports",
            dependencies: ["Outputs", "Camera", "Inference", "ModelFormat", "Text", "Pixels", "Platform"],
            exclude: ["README.md"], swiftSettings: deviceFlags),

        // Host modules.
        .target(
            name: "Checkpoint", dependencies: ["Zlib", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["ONNX/onnx.proto", "README.md"], swiftSettings: hostFlags),
        .target(
            name: "FloatGraph", dependencies: ["Checkpoint", "Kernels", "FloatKernels"],
            exclude: ["README.md"],
            // Debug builds too: it multiplies millions of numbers.
            swiftSettings: hostFlags + [.unsafeFlags(["-O"])]),
        .target(
            name: "Quantization",
            dependencies: ["FloatGraph", "ModelFormat", "Inference", "Kernels", "FloatKernels"], exclude: ["README.md"],
            swiftSettings: hostFlags),
        .target(
            name: "Evaluation",
            dependencies: [
                "FloatGraph", "Quantization", "Inference", "ModelFormat", "Pixels", "Images", "TIFFImages", "Zlib",
            ],
            exclude: ["README.md"], swiftSettings: hostFlags),

        // Programs.
        .executableTarget(
            name: "rarebit",
            dependencies: [
                "Reports", "Outputs", "Camera", "Inference", "ModelFormat", "Text", "Images", "Pixels", "Platform",
                "HTTP",
            ],
            path: "Firmware/rarebit",
            swiftSettings: deviceFlags),
        .executableTarget(
            name: "rarebit-convert",
            dependencies: [
                "Evaluation", "Quantization", "FloatGraph", "Checkpoint", "Inference", "ModelFormat", "Reports", "Text",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Tools/rarebit-convert", swiftSettings: hostFlags),

        // Tests.
        .target(
            name: "SampleNetworks", dependencies: ["Checkpoint"], path: "Tests/Support/SampleNetworks",
            // It makes hundreds of millions of numbers.
            swiftSettings: hostFlags + [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "FloatGraphTests", dependencies: ["FloatGraph", "FloatKernels", "Checkpoint", "SampleNetworks"],
            swiftSettings: hostFlags),
        .testTarget(
            name: "QuantizationTests",
            dependencies: ["Quantization", "FloatGraph", "Checkpoint", "ModelFormat", "Inference", "SampleNetworks"],
            swiftSettings: hostFlags),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Quantization", "FloatGraph", "Checkpoint", "SampleNetworks", "ProgramRunner",
            ],
            swiftSettings: hostFlags),
        .testTarget(
            name: "ConvertTests",
            dependencies: [
                "rarebit-convert", "Evaluation", "FloatGraph", "Checkpoint", "CheckpointWriter", "SampleNetworks",
                "ProgramRunner",
            ],
            swiftSettings: hostFlags),
        .target(
            name: "TinyModel", dependencies: ["ModelFormat", "Inference"], path: "Tests/Support/TinyModel",
            swiftSettings: hostFlags),
        .target(name: "ProgramRunner", path: "Tests/Support/ProgramRunner", swiftSettings: hostFlags),
        .testTarget(
            name: "RarebitTests", dependencies: ["rarebit", "TinyModel", "ProgramRunner", "ImageEncoders"],
            swiftSettings: hostFlags),
        .testTarget(name: "ModelFormatTests", dependencies: ["ModelFormat", "TinyModel"], swiftSettings: hostFlags),
        .testTarget(
            name: "InferenceTests", dependencies: ["Inference", "ModelFormat", "Text", "Pixels", "TinyModel"],
            swiftSettings: hostFlags),
        .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: hostFlags),
        .testTarget(
            name: "OutputsTests", dependencies: ["Outputs", "Text", "Platform", "TinyModel", "ProgramRunner"],
            swiftSettings: hostFlags),
        .testTarget(
            name: "ReportsTests",
            dependencies: ["Reports", "Camera", "Inference", "ModelFormat", "Text", "Platform", "TinyModel"],
            swiftSettings: hostFlags),
        .target(
            name: "KernelCases", dependencies: ["Kernels"], path: "Tests/Support/KernelCases",
            cSettings: cFlags + [.headerSearchPath("../../../CSupport/Kernels")]),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "KernelCases"],
            swiftSettings: hostFlags),
        .target(
            name: "CheckpointWriter", dependencies: ["Checkpoint"], path: "Tests/Support/CheckpointWriter",
            swiftSettings: hostFlags),
        .executableTarget(
            name: "peak-memory", dependencies: ["Checkpoint"], path: "Tests/Support/PeakMemory",
            swiftSettings: hostFlags),
        .testTarget(
            name: "CheckpointTests",
            dependencies: [
                "Checkpoint", "CheckpointWriter", "ProgramRunner", "peak-memory",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: hostFlags),
        .target(
            name: "ImageEncoders", dependencies: ["Images"], path: "Tests/Support/ImageEncoders", cSettings: cFlags),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "ImageEncoders"], swiftSettings: hostFlags),
        .testTarget(
            name: "PixelsTests", dependencies: ["Pixels", "Images", "ImageEncoders"], swiftSettings: hostFlags),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: hostFlags),
        .testTarget(
            name: "CameraTests", dependencies: ["Camera", "Text", "Pixels", "Platform"], swiftSettings: hostFlags),
    ],
    cLanguageStandard: .c11
)

// Fuzz targets need every module compiled with the fuzzer's coverage: Tests/System/Fuzz/run builds them apart, with this set.
if Context.environment["RAREBIT_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Checkpoint", "FloatGraph", "Quantization", "ModelFormat", "Inference", "Camera", "Images", "Pixels",
                "Platform", "TinyModel",
            ],
            path: "Tests/System/Fuzz", exclude: ["run", "corpus"], swiftSettings: hostFlags))
}
