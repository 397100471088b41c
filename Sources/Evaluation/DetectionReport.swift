import Foundation

/// Average precision, in percent, of one set of detections: for people as a table, for programs as JSON.
public struct DetectionReport: Encodable, Sendable {
    /// Of the categories that so many training pictures show: COCO's and LVIS's groups, at most 10, at most 100, more.
    public enum Frequency: String, CaseIterable, Sendable {
        case rare = "r"
        case common = "c"
        case frequent = "f"

        init(trainingImages: Int) {
            self = trainingImages <= 10 ? .rare : trainingImages <= 100 ? .common : .frequent
        }
    }

    public let data: String
    public let pictures: Int
    public let objects: Int
    public let detections: Int
    /// By the names that the literature has: AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AP50r, AP50c, AP50f, APpool, AP50pool. A
    /// figure that has nothing to measure is left out.
    public let figures: [String: Double]
    public let categories: [Category]

    public struct Category: Encodable, Sendable {
        public let name: String
        /// nil without an object.
        public let ap50: Double?
    }

    /// `trainingImages`: of each category how many training pictures show it; nil: the annotations may say who is rare.
    public init(
        of detections: [Detection], against annotations: COCOAnnotations, trainingImages: [Int]?, data: String
    ) {
        let count = annotations.categories.count
        let measured = AveragePrecision(
            of: detections, against: annotations.objects, categories: count, rules: annotations.rules)
        var figures: [String: Double] = [:]
        func set(_ name: String, _ value: Double?) { figures[name] = value.map { 100 * $0 } }
        for (letter, overlap) in [("AP", nil), ("AP50", 0.5), ("AP75", 0.75)] as [(String, Double?)] {
            set(letter, measured.mean(overlap: overlap))
        }
        for (letter, size) in [("APs", .small), ("APm", .medium), ("APl", .large)] as [(String, ObjectSize)] {
            set(letter, measured.mean(size: size))
        }
        let groups = annotations.categories.indices.map { index in
            trainingImages.map { Frequency(trainingImages: $0[index]).rawValue }
                ?? annotations.categories[index].frequency
        }
        for frequency in Frequency.allCases {
            let members = groups.indices.filter { groups[$0] == frequency.rawValue }
            guard !members.isEmpty else { continue }
            set("AP\(frequency.rawValue)", measured.mean(of: members))
            set("AP50\(frequency.rawValue)", measured.mean(overlap: 0.5, of: members))
        }
        set("APpool", measured.pooledMean)
        set("AP50pool", measured.pooled[0])
        categories = annotations.categories.indices.map { index in
            let ap50 = measured.mean(overlap: 0.5, of: [index]).map { 100 * $0 }
            return Category(name: annotations.categories[index].name, ap50: ap50)
        }
        (self.data, self.figures) = (data, figures)
        (pictures, objects) = (annotations.pictures.count, annotations.objects.count)
        self.detections = detections.count
    }

    /// A table for a terminal.
    public var text: String {
        let rows = [
            ("all", ["AP", "AP50", "AP75"]), ("small, medium, large", ["APs", "APm", "APl"]),
            ("rare, common, frequent", ["APr", "APc", "APf"]), ("  at an overlap of 0.5", ["AP50r", "AP50c", "AP50f"]),
            ("all in one list", ["APpool", "AP50pool"]),
        ]
        let lines = rows.map { title, names in
            let cells = names.map { name in
                let cell = name + " " + (figures[name].map { String(format: "%.1f", $0) } ?? "-")
                return cell.padding(toLength: 16, withPad: " ", startingAt: 0)
            }
            let line = title.padding(toLength: 26, withPad: " ", startingAt: 0) + cells.joined()
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        let heading =
            "Average precision, %, of \(detections) detections of \(objects) objects in \(pictures) pictures of \(data)"
        return ([heading, ""] + lines).joined(separator: "\n")
    }
}
