import Inference
import Platform
import Text

extension Settings {
    /// Every option, in the order of the help. To add one: a call here, and what it sets in `Settings`.
    ///
    /// Commands may give one name different meanings, in a call each. (A table of functions would have to count
    /// references to them, which device code cannot do.)
    static func describeOptions(to reader: inout some OptionReader) throws(ProgramError) {
        try reader.text("model", "FILE", .run, "the model, instead of the first operand: for a configuration file") {
            $0.model = $1
        }
        try reader.text(
            "trust", "FILE", .run | .classify | .bench | .info,
            """
            take only a model that the owner of one of these keys has signed: a file with lines such as
            rarebit-convert keygen writes
            """
        ) { $0.trust = $1 }
        try reader.text(
            "camera", "DEV", .run,
            """
            the V4L2 node to capture from, or serial:NUMBER or port:NAME as rarebit cameras tells them; default
            /dev/video0
            """
        ) { $0.run.camera = $1 }
        try reader.value(
            "size", "WxH", .run, "the camera's frame size; default: the smallest that covers the model's input"
        ) { settings, value throws(ProgramError) in settings.run.size = try value.frameSize() }
        try reader.number(
            "fps", "N", .run,
            """
            frames a second: those to ask a camera for, default 30, or the most to take of recorded ones, default
            as many as can be answered
            """, in: 0.1...1000
        ) {
            $0.run.captureRate = $1
        }
        try reader.value(
            "format", "NAME", .run,
            "the camera's pixel format, such as YUYV or MJPG; default: raw, or JPEG where only that has the rate"
        ) { settings, value throws(ProgramError) in settings.run.format = try value.pixelFormat() }
        try reader.number(
            "patience", "S", .run,
            """
            give up when the camera is away for so many seconds; default: at once before its first frame,
            never after it
            """, in: 0...86_400
        ) { $0.run.patience = $1 }
        try reader.text(
            "frames", "FILE", .run, "recorded frames, or a folder of pictures, instead of a camera"
        ) { $0.run.frames = $1 }
        try reader.value(
            "source", "WHERE", .run,
            """
            frames from anywhere: a camera as for --camera, a file of frames (a recording, MJPEG, Y4M), a folder
            of pictures (JPEG, PNG and what else classify reads, in order of name), - for standard input, http://HOST[:PORT]/PATH (MJPEG), or exec:COMMAND, whose standard output gives them
            (MJPEG, Y4M, or raw frames of --size and --format)
            """
        ) { settings, value throws(ProgramError) in settings.run.source = try value.source() }
        try reader.text("record", "FILE", .run, "write the frames to a file, for --frames") { $0.run.recording = $1 }
        try reader.flag("loop", .run, "replay recorded frames, or a folder's pictures, over and over") {
            $0.run.loops = true
        }
        try reader.integer("runs", "N", .bench, "how many runs, 1...65536", in: 1...LatencySamples.maximumCount) {
            $0.bench.runs = $1
        }
        try reader.number(
            "seconds", "S", .bench,
            "for how long; both given: until the first of them; neither: 1000 runs or 5 seconds",
            in: 0.001...BenchSettings.longestSeconds
        ) { $0.bench.seconds = $1 }
        try reader.flag(
            "camera-path", .bench,
            """
            instead, what a camera's frames cost besides the network: conversion, judging, reporting;
            for 640x480 YUYV
            """
        ) { $0.bench.measuresCameraPath = true }
        try reader.text(
            "frames", "FILE", .bench, "with --camera-path: recorded frames instead, such as run --record writes"
        ) {
            $0.bench.frames = $1
        }
        try reader.number(
            "fps", "F", .bench, "start runs F times a second, as a camera would; default: back to back",
            in: 0.1...10_000
        ) { $0.bench.frameRate = $1 }
        try reader.number(
            "alpha", "A", .run | .classify | .bench, isLive: true,
            "strength of the TDE adjustment, 0 (the plain classifier) or more; default: the model's", in: 0...1000
        ) { $0.judging.alpha = Float($1) }
        try reader.integer(
            "top", "N", .run | .classify, "how many classes to show, 1...32; default 3", in: 1...Ranking.maximumCount
        ) { $0.judging.top = $1 }
        try describeView(to: &reader)
        try describeJudging(to: &reader)
        try reader.integer("count", "N", .run, "stop after N frames", in: 1...1_000_000_000) { $0.run.count = $1 }
        try reader.integer(
            "threads", "N", .run | .bench,
            "threads to compute on, 1...64; default: 1, or as many as cores are listed", in: 1...Int(RB_MAXIMUM_THREADS)
        ) { $0.computing.threads = $1 }
        try reader.value(
            "cpus", "LIST", .run | .bench,
            "the cores to run on, such as 2 or 4-7, a thread on each; default: the fast ones"
        ) { settings, value throws(ProgramError) in settings.computing.cpus = try value.processors() }
        try reader.value("isa", "NAME", .bench, "kernels of a lesser instruction set; a name that is none lists them") {
            settings, value throws(ProgramError) in settings.computing.executionPath = try value.executionPath()
        }
        try reader.flag(
            "layers", .bench,
            "a table of where the time goes, with the head's time with and without the adjustment"
        ) { $0.bench.showsLayers = true }
        try reader.flag(
            "ceiling", .bench,
            "also measure the most the core can do: the best instruction, on registers alone"
        ) { $0.bench.showsCeiling = true }
        try reader.flag(
            "ignore-exif", .classify,
            "take pictures as their files store them, also where their EXIF block says that they lie on their side"
        ) { $0.classify.ignoresEXIF = true }
        try reader.flag("json", .run | .classify | .bench | .cameras, "JSON records, one a line") { $0.isJSON = true }
        try reader.value(
            "output", "WHERE", .run,
            """
            - (standard output, the default), file:PATH (appended to), or unix:PATH (a socket: up to 8
            listeners come and go)
            """
        ) { settings, value throws(ProgramError) in settings.run.output.place = try value.outputPlace() }
        try reader.value(
            "rotate-size", "BYTES", .run,
            "with an output file: start a new one when it would be larger, such as 500K, 10M or 1G; PATH becomes PATH.1"
        ) { settings, value throws(ProgramError) in settings.run.output.rotationSize = try value.byteCount() }
        try reader.integer("rotate-keep", "N", .run, "how many older files to keep, 1...1000; default 5", in: 1...1000)
        {
            $0.run.output.rotationCount = $1
        }
        try reader.value(
            "when-full", "WHAT", .run,
            """
            drop or wait: what becomes of records that are not read in time; default: drop for a camera, so
            that its frames are never held up, wait for a recording
            """
        ) { settings, value throws(ProgramError) in settings.run.output.pressure = try value.pressure() }
        try reader.value(
            "metrics", "[ADDR:]PORT", .run,
            """
            serve Prometheus metrics at http://ADDR:PORT/metrics; ADDR is numeric, such as 0.0.0.0 or [::] for
            every network; default: 127.0.0.1, for this machine alone
            """
        ) { settings, value throws(ProgramError) in settings.run.metrics = try value.tcpPlace() }
        try reader.value(
            "page", "[ADDR:]PORT", .run,
            """
            serve a live page at http://ADDR:PORT/: the picture, the answers and why, with sliders; for this
            machine alone, or with --page-token for others
            """
        ) { settings, value throws(ProgramError) in settings.run.page.place = try value.tcpPlace() }
        try reader.text(
            "page-token", "FILE", .run, "a file whose one line everybody must know who looks at the page"
        ) { $0.run.page.tokenFile = $1 }
        try describeKeeping(to: &reader)
        try reader.text(
            "compare", "OLD", .bench,
            """
            the record of an earlier bench --json: print the ratios; exit status 1 where the median is
            above the threshold, or the same model and input give other logits
            """
        ) { $0.bench.comparison = $1 }
        try reader.number(
            "threshold", "R", .bench, "ratio of medians, new to old, that still passes; default 1.05", in: 0.01...100
        ) { $0.bench.ratioThreshold = $1 }
        try reader.flag("memory", .info, "instead, what lies in the arena, operation by operation") {
            $0.info.showsMemory = true
        }
        try reader.text(
            "config", "FILE", .run,
            """
            more options, from a file: lines "name = value", flags are yes or no, # starts a comment;
            the command line wins over it
            """
        ) { $0.run.configuration = $1 }
        try reader.flag("help", .all, "this") { _ in }
        try reader.flag("version", .none, "the program's version") { _ in }
    }
}
