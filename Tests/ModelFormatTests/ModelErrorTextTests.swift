import ModelFormat
import Testing

@Test func aModelErrorIsOneLineThatSaysWhatToDo() {
    let errors: [ModelError] = [
        .tooShort(bytes: 3), .notAModel, .unsupportedVersion(found: 9), .wrongFileSize(stated: 10, found: 9),
        .wrongChecksum(stated: 1, computed: 2), .badSectionTable(entry: 1), .sectionOutOfBounds(.head),
        .sectionMissing(.plan), .wrongSectionSize(.weights), .arenaTooLarge(bytes: 1 << 33), .badInput(.resize),
        .badOperation(index: 4, .stride), .badHead(.numbers), .badJudging(.temperature),
        .badName(.classNames, index: 2),
    ]
    let lines = errors.map(\.description)
    #expect(Set(lines).count == errors.count)
    for line in lines {
        #expect(line.count > 20 && !line.contains("\n"))
    }
    #expect(lines[11] == "malformed model: operation 4, stride out of range; convert the checkpoint again")
}
