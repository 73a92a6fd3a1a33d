import GatewayModel
import Store

extension PublicationLoader {
    /// Adds the channels to which published APIs and their plug-ins send requests.
    ///
    /// - Parameters:
    ///   - places: publication id -> index in `apis`.
    ///   - filter: what restricts bindings `b` to these publications, with its `arguments`.
    func addChannels(
        to apis: inout [PublishedAPI], _ places: [String: Int], _ filter: String, _ arguments: [SQLValue]
    ) throws {
        let rows = try reading.sql.query(
            """
            SELECT b.publication_id AS publication_id, b.channel_id AS channel_id FROM publication_channels b\(filter)
            UNION SELECT b.publication_id AS publication_id, c.channel_id AS channel_id
              FROM plugin_bindings b JOIN plugin_channels c ON c.plugin_id = b.plugin_id\(filter)
            """, arguments + arguments)
        guard !rows.isEmpty else { return }
        let ids = Set(try rows.map { try $0.text("channel_id") })
        let channels = try ids.compactMap { try reading.sql.find(VPCChannelRow.self, key: $0)?.channel }
        let contents = Dictionary(uniqueKeysWithValues: try reading.contents(of: channels).map { ($0.channel.id, $0) })
        for row in rows {
            guard let place = places[try row.text("publication_id")] else { continue }
            let id = try row.text("channel_id")
            apis[place].channels[id] = contents[id]
        }
    }
}
